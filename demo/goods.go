// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"strings"
)

// product is one thing that the shop sells.
type product struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Category   string `json:"category"`
	PriceCents int64  `json:"priceCents"`
}

// categories are the shelves of the shop.
func categories() []string { return []string{"yarn", "needles", "patterns", "looms"} }

// goods is everything the shop sells; product ids are p-100 and up.
func goods() []product {
	things := map[string][]string{
		"yarn":     {"wool", "alpaca", "linen", "silk", "cotton", "mohair"},
		"needles":  {"bamboo", "steel", "circular", "cable", "crochet", "darning"},
		"patterns": {"scarf", "jumper", "sock", "blanket", "shawl", "mitten"},
		"looms":    {"table", "inkle", "rigid", "tapestry", "floor", "backstrap"},
	}
	var all []product
	for _, category := range categories() {
		for i, thing := range things[category] {
			for j, quality := range []string{"plain", "fine"} {
				all = append(all, product{
					ID:         fmt.Sprintf("p-%d", 100+len(all)),
					Name:       strings.Join([]string{quality, thing, category}, " "),
					Category:   category,
					PriceCents: int64(490 + 350*i + 1200*j),
				})
			}
		}
	}
	return all
}

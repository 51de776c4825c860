// SPDX-License-Identifier: Apache-2.0

// The storefront: an ordinary Express application without a line of tracing.
// PAYMENT_URL names the service behind it. Prints {"listening":"host:port"}
// on stdout once it accepts connections.
'use strict';

const cors = require('cors');
const express = require('express');

const app = express();
app.use(cors());
app.use(express.json());

app.post('/api/buy', async (req, res) => {
  const answer = await fetch(`${process.env.PAYMENT_URL}/charge`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ amount: req.body.amount }),
  });
  res.status(answer.status).json(await answer.json());
});

app.get('/api/items/:id', (req, res) => {
  res.json({ id: req.params.id, name: 'ball of thread' });
});

app.get('/api/broken', () => {
  throw new TypeError('the thread is torn');
});

const server = app.listen(0, '127.0.0.1', () => {
  const { address, port } = server.address();
  console.log(JSON.stringify({ listening: `${address}:${port}` }));
});

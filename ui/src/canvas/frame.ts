// SPDX-License-Identifier: Apache-2.0

/**
 * The one animation-frame loop of a view. Nothing is drawn outside it: whoever
 * changes something calls `invalidate`, and one frame later `draw` runs once.
 */
export class FrameLoop {
  readonly #draw: (now: number) => void;
  #handle = 0;
  #stopped = false;

  constructor(draw: (now: number) => void) {
    this.#draw = draw;
  }

  invalidate = (): void => {
    if (this.#handle !== 0 || this.#stopped) return;
    this.#handle = requestAnimationFrame((now) => {
      this.#handle = 0;
      this.#draw(now);
    });
  };

  stop(): void {
    this.#stopped = true;
    cancelAnimationFrame(this.#handle);
  }
}

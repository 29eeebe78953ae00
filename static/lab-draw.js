"use strict";
var Reason = Reason || {};

/** A canvas to draw a digit on: white ink on black, as in MNIST. */
Reason.draw = (function () {
  const { byId } = Reason.dom;
  const INK = "#ffffff";
  const PAPER = "#000000";
  const BRUSH = 1 / 13;
  const SOFTNESS = 1 / 40;
  /** @type {{ empty: boolean, from: [number, number] | null }} */
  const state = { empty: true, from: null };

  function open() {
    const canvas = byId("canvas", HTMLCanvasElement);
    const pen = canvas.getContext("2d");
    if (!pen) throw new TypeError("This browser cannot draw.");
    return { canvas, pen };
  }

  function clear() {
    const { canvas, pen } = open();
    pen.shadowBlur = 0;
    pen.fillStyle = PAPER;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    state.empty = true;
  }

  /**
   * The place of a pointer in the canvas's own pixels.
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  function place(event) {
    const canvas = byId("canvas", HTMLCanvasElement);
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  }

  /**
   * @param {[number, number]} from
   * @param {[number, number]} to
   */
  function stroke(from, to) {
    const { canvas, pen } = open();
    Object.assign(pen, { strokeStyle: INK, shadowColor: INK, lineCap: "round", lineJoin: "round" });
    pen.lineWidth = canvas.width * BRUSH;
    pen.shadowBlur = canvas.width * SOFTNESS;
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
    state.from = to;
    state.empty = false;
  }

  /** @param {() => void} changed */
  function follow(changed) {
    const canvas = byId("canvas", HTMLCanvasElement);
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      stroke(place(event), place(event));
      changed();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!state.from) return;
      stroke(state.from, place(event));
      changed();
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (state.from = null));
  }

  return {
    empty: () => state.empty,

    /** The drawing as a PNG file. */
    async file() {
      /** @type {Blob | null} */
      const blob = await new Promise((done) => byId("canvas", HTMLCanvasElement).toBlob(done, "image/png"));
      return new File(blob ? [blob] : [], "drawing.png", { type: "image/png" });
    },

    /**
     * Call `changed` after each stroke of the brush and after clearing.
     * @param {() => void} changed
     */
    listen(changed) {
      clear();
      follow(changed);
      byId("canvas-clear").addEventListener("click", () => {
        clear();
        changed();
      });
    },
  };
})();

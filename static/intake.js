"use strict";
var Reason = Reason || {};

/** @typedef {(files: File[]) => void} Take */

/** The three ways in: choose, drop, paste. */
Reason.intake = (function () {
  const { byId } = Reason.dom;

  /** @param {DragEvent} event */
  function carriesFiles(event) {
    return event.dataTransfer !== null && event.dataTransfer.types.includes("Files");
  }

  /**
   * @param {HTMLInputElement} input
   * @param {Take} take
   */
  function choosing(input, take) {
    input.addEventListener("change", () => {
      take([...(input.files || [])]);
      input.value = "";
    });
  }

  /** @param {Take} take */
  function dropping(take) {
    let depth = 0;
    /** @param {boolean} shown */
    const veil = (shown) => {
      depth = shown ? depth : 0;
      byId("drop-veil").hidden = !shown;
    };
    document.addEventListener("dragenter", (event) => {
      if (!carriesFiles(event)) return;
      depth += 1;
      veil(true);
    });
    document.addEventListener("dragleave", (event) => {
      if (!carriesFiles(event)) return;
      depth -= 1;
      if (depth <= 0) veil(false);
    });
    document.addEventListener("dragover", (event) => {
      if (carriesFiles(event)) event.preventDefault();
    });
    document.addEventListener("drop", (event) => {
      veil(false);
      if (!carriesFiles(event)) return;
      event.preventDefault();
      take(event.dataTransfer ? [...event.dataTransfer.files] : []);
    });
  }

  /** @param {Take} take */
  function pasting(take) {
    document.addEventListener("paste", (event) => {
      const files = event.clipboardData ? [...event.clipboardData.files] : [];
      if (files.length === 0) return;
      event.preventDefault();
      take(files);
    });
  }

  return {
    /** Call `take` with the files of every choice made in a file input. */
    choosing,

    /**
     * Call `take` with the files of every drop and paste, anywhere on the page.
     * @param {Take} take
     */
    listen(take) {
      dropping(take);
      pasting(take);
    },
  };
})();

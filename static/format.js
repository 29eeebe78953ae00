"use strict";
var Reason = Reason || {};

/** Numbers as people read them. */
Reason.format = (function () {
  const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  /** @param {unknown} value */
  const missing = (value) => typeof value !== "number" || !Number.isFinite(value);
  /** @param {string} text */
  const proper = (text) => text.replace("-", "−");
  /**
   * @param {number} value
   * @param {number} digits
   */
  const fixed = (value, digits) =>
    proper(value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }));

  /** @param {number} exponent */
  function power(exponent) {
    const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
    return `10${exponent < 0 ? "⁻" : ""}${digits}`;
  }

  return {
    /**
     * A share in [0, 1] as a percentage that never rounds to a false 0 % or 100 %.
     * @param {number} value
     * @param {number} digits
     */
    percent(value, digits = 1) {
      if (missing(value)) return "–";
      const step = 10 ** -digits;
      const shown = value * 100;
      if (value > 0 && shown < step / 2) return `<${fixed(step, digits)}%`;
      if (value < 1 && shown >= 100 - step / 2) return `>${fixed(100 - step, digits)}%`;
      return `${fixed(shown, digits)}%`;
    },

    /**
     * A share given as a setting, such as a risk of 0.02: no digits beyond those it has.
     * @param {number} value
     */
    setting: (value) =>
      missing(value) ? "–" : `${(value * 100).toLocaleString("en-GB", { maximumFractionDigits: 2 })}%`,

    /**
     * Any number, to about three significant digits.
     * @param {number} value
     */
    number(value) {
      if (missing(value)) return "–";
      const size = Math.abs(value);
      if (size === 0) return "0";
      if (size >= 1e6 || size < 1e-3) {
        const [mantissa, exponent] = value.toExponential(1).split("e");
        return `${proper(mantissa)} × ${power(Number(exponent))}`;
      }
      if (size >= 1000) return fixed(value, 0);
      return fixed(value, size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4);
    },

    /**
     * A power of ten as an axis writes it: 100 or 10⁻⁴.
     * @param {number} exponent
     */
    decade: (exponent) =>
      exponent >= -2 && exponent <= 3 ? String(Number(`1e${exponent}`)) : power(exponent),

    /**
     * A duration in milliseconds.
     * @param {number} value
     */
    milliseconds: (value) => (missing(value) ? "–" : `${fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0)} ms`),

    /**
     * The size of a file.
     * @param {number} count
     */
    bytes(count) {
      if (count < 1024) return `${count} bytes`;
      return count < 1024 ** 2 ? `${fixed(count / 1024, 0)} KB` : `${fixed(count / 1024 ** 2, 1)} MB`;
    },

    /**
     * A whole number with its noun: 1 image, 3 images.
     * @param {number} number
     * @param {string} noun
     */
    count: (number, noun) => `${number.toLocaleString("en-GB")} ${noun}${number === 1 ? "" : "s"}`,
  };
})();

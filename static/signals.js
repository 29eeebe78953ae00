"use strict";
var Reason = Reason || {};

/**
 * @typedef {{ name: string, value: number }} Signal
 * @typedef {{ label: string, text: string, value: string }} Described
 * @typedef {{ title: string, help: string, signals: Signal[] }} SignalGroup
 */

/** What each signal means, as the service says of the model. A name that it does not know is shown as it is. */
Reason.signals = (function () {
  const OTHERS = "Other signals";
  const LARGER = { trust: "Larger is more trustworthy.", doubt: "Larger is less trustworthy.", none: "" };

  /** @type {WeakMap<Model, Map<string, { family: SignalFamily, column: SignalColumn }>>} */
  const catalogues = new WeakMap();

  /**
   * The family and the column of a signal; undefined where the service does not know it.
   * @param {string} modelName
   * @param {string} name
   */
  function find(modelName, name) {
    const model = Reason.models.find(modelName);
    if (!model) return undefined;
    const known =
      catalogues.get(model) ||
      new Map(model.signal_families.flatMap((family) => family.columns.map((column) => [column.name, { family, column }])));
    catalogues.set(model, known);
    return known.get(name);
  }

  /**
   * @param {number} value
   * @param {string} unit
   */
  function written(value, unit) {
    if (unit === "share") return Reason.format.percent(value);
    return Reason.format.number(value) + (unit === "nats" ? " nats" : "");
  }

  /**
   * Group signals in their order, under the title that `titleOf` gives each.
   * @param {Signal[]} signals
   * @param {(signal: Signal) => { title: string, help: string }} titleOf
   */
  function group(signals, titleOf) {
    /** @type {Map<string, SignalGroup>} */
    const groups = new Map();
    for (const signal of signals) {
      const head = titleOf(signal);
      const found = groups.get(head.title) || { ...head, signals: [] };
      groups.set(head.title, found);
      found.signals.push(signal);
    }
    return [...groups.values()];
  }

  return {
    /**
     * The label, the explanation (or an empty text) and the formatted value of a signal.
     * @param {string} model
     * @param {Signal} signal
     * @returns {Described}
     */
    describe(model, { name, value }) {
      const known = find(model, name);
      if (!known) return { label: name, text: "", value: Reason.format.number(value) };
      return { label: known.column.label, text: known.column.help, value: written(value, known.column.unit) };
    },

    /**
     * What a column of the meta-vector means and what larger values say; empty where nothing is known.
     * @param {string} model
     * @param {string} name
     */
    explain(model, name) {
      const known = find(model, name);
      return known ? `${known.column.help} ${LARGER[known.column.direction]}`.trim() : "";
    },

    /**
     * The diagnostics by the section of their families; those of no section come first, without a title.
     * @param {Verdict} verdict
     */
    bySection({ model, diagnostics }) {
      const signals = Object.entries(diagnostics).map(([name, value]) => ({ name, value }));
      const groups = group(signals, ({ name }) => ({ title: find(model, name)?.column.section || "", help: "" }));
      const plain = groups.find(({ title }) => title === "") || { title: "", help: "", signals: [] };
      return [plain, ...groups.filter((one) => one !== plain)];
    },

    /**
     * The first columns of the meta-vector by family; `shared` where all of a group have one unit, or are raw features.
     * @param {Verdict} verdict
     * @param {number} most
     */
    byFamily({ model, meta_names: names, meta_vector: values }, most) {
      const signals = names.slice(0, most).map((name, index) => ({ name, value: values[index] }));
      const groups = group(signals, ({ name }) => {
        const known = find(model, name);
        if (!known) return { title: OTHERS, help: "" };
        return { title: known.column.section || known.family.title, help: known.family.help };
      });
      return groups.map((found) => {
        const known = found.signals.map(({ name }) => find(model, name));
        const units = new Set(known.map((one) => one && (one.column.unit || (one.family.raw ? "raw" : undefined))));
        return { ...found, shared: units.size === 1 && !units.has(undefined) };
      });
    },
  };
})();

"use strict";
var Reason = Reason || {};

/**
 * What the service answers, as `GET /openapi.json` describes it.
 * @typedef {"accept" | "review"} Decision
 * @typedef {{ risk: number, delta: number, n: number, bound: number, coverage: number, method: string }} Certificate
 * @typedef {{ label: string, distance: number, source: string }} Neighbour
 * @typedef {{ name: string, severity: number, seed: number, picture: string }} AppliedCorruption
 * @typedef {{
 *   model: string, digest: string, source: string | null, class: string, class_index: number, confidence: number,
 *   probabilities: Record<string, number>, reliability: number, decision: Decision, threshold: number,
 *   certificate: Certificate | null, diagnostics: Record<string, number>, meta_names: string[],
 *   meta_vector: number[], neighbours: Neighbour[], latent: [number, number] | null,
 *   timings_ms: Record<string, number>, corruption: AppliedCorruption,
 * }} Verdict
 * @typedef {{
 *   name: string, label: string, unit: string, direction: "trust" | "doubt" | "none", help: string, section: string,
 * }} SignalColumn
 * @typedef {{ name: string, title: string, help: string, raw: boolean, columns: SignalColumn[] }} SignalFamily
 * @typedef {{
 *   name: string, title: string, classes: string[], input: { size: number, mode: string },
 *   signal_families: SignalFamily[],
 * }} Model
 * @typedef {{ name: string, family: string, summary: string, published: boolean }} Corruption
 * @typedef {{ corruptions: Corruption[], families: string[] }} Corruptions
 * @typedef {{
 *   model: string, points: [number, number][], failure_probability: number[], correct: boolean[],
 *   explained_variance: [number, number],
 * }} LatentMap
 * @typedef {{
 *   model: string, index: number, count: number, source: string, label: string | null, name: string, picture: string,
 * }} Sample
 * @typedef {{ detail?: string, request_id?: string }} ProblemDocument
 * @typedef {{ model?: string, corruption?: string, severity?: number, seed?: number }} Settings
 */

/** Talks to the service: the origin that served this page, or the local one when the page was opened from disk. */
Reason.api = (function () {
  const LOCAL = "http://127.0.0.1:5000/";
  const PATIENCE_MS = 120000;
  const base = window.location.protocol === "file:" ? LOCAL : new URL("./", window.location.href).href;
  const address = base.replace(/\/$/, "");

  /**
   * Why there is no answer, in a sentence: `again` where another try may help, `absent` where the service
   * has to be started first, `status` as the service gave it, `trace` for the service's log.
   */
  class Failure extends Error {
    /**
     * @param {string} title
     * @param {string} detail
     * @param {{ again?: boolean, absent?: boolean, status?: number | null, trace?: string }} [more]
     */
    constructor(title, detail, { again = false, absent = false, status = null, trace = "" } = {}) {
      super(detail);
      this.title = title;
      this.detail = detail;
      this.again = again;
      this.absent = absent;
      this.status = status;
      this.trace = trace;
    }
  }

  function unreachable() {
    const detail = `Nothing answers at ${address}; start the service with this command, then try again.`;
    return new Failure("The service does not answer", detail, { again: true, absent: true });
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   */
  async function call(path, options = {}) {
    return fetch(new URL(path, base), { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  }

  /**
   * @param {Response} response
   * @returns {Promise<any>} null where it is no JSON
   */
  async function body(response) {
    try {
      return JSON.parse(await response.text());
    } catch {
      return null;
    }
  }

  /**
   * @param {Response} response
   * @param {ProblemDocument | null} problem
   */
  function refusal(response, problem) {
    const status = `${response.status} ${response.statusText}`.trim();
    const detail = (problem && problem.detail) || `The service answered ${status} and gave no reason.`;
    const request = problem && problem.request_id ? `, request ${problem.request_id}` : "";
    const trace = `HTTP ${response.status}${request}`;
    return new Failure("This image could not be judged", detail, {
      trace,
      status: response.status,
      again: response.status >= 500,
    });
  }

  /**
   * @param {unknown} error
   * @param {File} file
   */
  async function whyLost(error, file) {
    if (error instanceof DOMException && error.name === "TimeoutError") {
      return new Failure("The service took too long", `No answer about ${file.name} within two minutes; try again.`, { again: true });
    }
    try {
      await call("health/live");
    } catch {
      return unreachable();
    }
    const size = Reason.format.bytes(file.size);
    const detail =
      `The service is running, but closed the connection while ${file.name} (${size}) was sent; ` +
      "it may be larger than the service takes.";
    return new Failure("The connection was cut", detail, { again: true });
  }

  /** @param {File} file */
  async function content(file) {
    try {
      return new Blob([await file.arrayBuffer()], { type: file.type });
    } catch {
      const detail = `${file.name} cannot be read from the disk; was it moved, or is it a folder?`;
      throw new Failure("This file could not be read", detail);
    }
  }

  /**
   * The document at this path of the service, with the values of `query` where there are any.
   * @param {string} path
   * @param {Record<string, string> | null} query
   * @returns {Promise<any>}
   */
  async function read(path, query = null) {
    let response;
    try {
      response = await call(query ? `${path}?${new URLSearchParams(query)}` : path);
    } catch {
      throw unreachable();
    }
    const answer = await body(response);
    if (!response.ok || !answer) throw refusal(response, answer);
    return answer;
  }

  /**
   * @param {File} file
   * @param {Settings} settings
   */
  async function form(file, settings) {
    const fields = new FormData();
    fields.append("image", await content(file), file.name);
    for (const [name, value] of Object.entries(settings)) {
      if (value !== undefined) fields.append(name, String(value));
    }
    return fields;
  }

  return {
    Failure,
    address,

    /**
     * A failure's sentence where the page asks again by itself.
     * @param {Failure} failure
     */
    patience: (failure) =>
      failure.absent
        ? `Nothing answers at ${address}; start the service with “make serve”, and this page will notice.`
        : failure.detail,

    /**
     * The bundles that the service holds: `{models: [...], default: name}`.
     * @returns {Promise<{ models: Model[], default: string }>}
     */
    models: () => read("models"),

    /**
     * The ways to disturb a picture: `{corruptions: [{name, family, summary, published}], families: [...]}`.
     * @returns {Promise<Corruptions>}
     */
    corruptions: () => read("corruptions"),

    /**
     * Where images of a model's data lie on the plane that shows its inside, and how each was judged.
     * @param {string} model
     * @returns {Promise<LatentMap>}
     */
    map: (model) => read(`models/${encodeURIComponent(model)}/map`),

    /**
     * One labelled picture of the model's test data, by its index from 0.
     * @param {string} model
     * @param {number} index
     * @returns {Promise<Sample>}
     */
    sample: (model, index) => read("samples", { model, index: String(index) }),

    /**
     * The verdict on one image file; `settings` may name the model and a corruption with severity and seed.
     * Throws a Failure that says in a sentence why there is none.
     * @param {File} file
     * @param {Settings} settings
     * @returns {Promise<Verdict>}
     */
    async predict(file, settings = {}) {
      const fields = await form(file, settings);
      let response;
      try {
        response = await call("predict", { method: "POST", body: fields });
      } catch (error) {
        throw await whyLost(error, file);
      }
      const answer = await body(response);
      if (!response.ok) throw refusal(response, answer);
      if (!answer || typeof answer.reliability !== "number") {
        const detail = `${address} answered, but not with a verdict; is another program running there?`;
        throw new Failure("The answer makes no sense", detail, { again: true });
      }
      return answer;
    },
  };
})();

"use strict";

/** What each signal means, in plain words. A name that is not known here is shown as it is. */
(function (Reason) {
  const share = (value) => Reason.format.percent(value);
  const nats = (value) => `${Reason.format.number(value)} nats`;

  const KNOWN = {
    max_probability: [
      "Highest probability",
      "Softmax probability of the predicted class; can be high when the answer is wrong.",
      share,
    ],
    entropy: [
      "Entropy",
      "How widely the probability spreads over the classes; zero when one class takes it all.",
      nats,
    ],
    logit_gap: [
      "Logit gap",
      "Lead of the best class over the runner-up; small when two classes compete.",
    ],
    energy: [
      "Energy",
      "How much evidence there is for any of the classes (log-sum-exp of the logits); low on unfamiliar images.",
    ],
    dropout_logit_deviation: [
      "Dropout deviation",
      "How far the winning logit would move if random parts of the embedding were dropped.",
    ],
    dropout_gap_ratio: [
      "Gap under dropout",
      "Logit gap in units of its own movement under dropout; small when dropout could turn the answer.",
    ],
    dropout_probability_variance: [
      "Dropout variance",
      "Variance of the predicted class's probability over random dropout masks; zero when it stays put.",
    ],
    dropout_mutual_information: [
      "Dropout disagreement",
      "How much the dropout masks disagree about the class; zero when all say the same.",
      nats,
    ],
    input_gradient_norm: [
      "Input sensitivity",
      "How strongly the logit gap reacts to small changes of the pixels; large means fragile.",
    ],
    boundary_distance: [
      "Distance to the boundary",
      "How far the pixels would have to move, to first order, before another class wins.",
    ],
    knn_distance: [
      "Neighbour distance",
      "Distance to the farthest of the nearest training images; large when little like it was seen.",
    ],
    knn_nearest_distance: [
      "Nearest distance",
      "Distance to the single most similar training image; at most 2.",
    ],
    knn_label_agreement: [
      "Neighbour agreement",
      "Share of the nearest training images that carry the predicted class.",
      share,
    ],
    trust_score: [
      "Trust score",
      "How much farther the nearest image of another class is than that of the predicted one; below 1, another class is closer.",
    ],
  };

  const VIEWS = {
    shrunk: "picture shrunk to two fifths of its side",
    middle: "middle of the picture, mirrored",
  };

  /** Signals of a view that are its own, or mean something else there; the others are those of the neighbours. */
  const OF_A_VIEW = {
    probability: ["Probability", "Softmax probability of the class that was predicted from the whole picture.", share],
    max_probability: ["Highest probability", "Softmax probability of whichever class comes first in this view.", share],
    gap: ["Logit gap", "Lead of the predicted class over the best other one; below zero when another class wins."],
    divergence: ["Divergence", "How far the class probabilities move from those of the whole picture; at most ln 2.", nats],
    similarity: ["Similarity", "Cosine between the embedding and that of the whole picture; 1 when nothing changes."],
    knn_label_agreement: [
      "Neighbour agreement",
      "Share of the nearest training images that carry the class that comes first in this view.",
      share,
    ],
    trust_score: [
      "Trust score",
      "How much farther the nearest image of another class is than that of the class that comes first in this view.",
    ],
  };

  const FAMILIES = [
    [/^top_logit_0*(\d+)$/, (rank) => `Logit ${rank}`, (rank) => `Logit number ${rank}, counted from the largest.`],
    [
      /^pca_0*(\d+)$/,
      (rank) => `Component ${rank}`,
      (rank) => `Principal component ${rank} of the embedding, in standard deviations.`,
    ],
    [
      /^(.+)_predicted_distance$/,
      (layer) => `Class distance, ${layer}`,
      (layer) => `How far the ${layer} is from what it is for training images of the predicted class (log Mahalanobis).`,
    ],
    [
      /^(.+)_relative_distance$/,
      (layer) => `Relative distance, ${layer}`,
      (layer) => `How much nearer the ${layer} is to one class than to training images at large; small when it fits none.`,
    ],
    [
      /^(.+)_distance$/,
      (layer) => `Distance, ${layer}`,
      (layer) => `How far the ${layer} is from what it is for training images of the nearest class (log Mahalanobis).`,
    ],
    [
      /^(.+)_residual$/,
      (layer) => `Unexplained ${layer}`,
      (layer) => `Share of the length of the ${layer} outside the directions that training images use.`,
    ],
  ];

  const FAMILY_TITLES = { top_logit: "Largest logits", pca: "Principal components" };

  /** The view that a signal is of and its name there; no view where it is of the whole picture. */
  function split(name) {
    const [, view, signal] = /^([^_]+)_(.+)$/.exec(name) || [];
    const known = Object.hasOwn(VIEWS, view) && (Object.hasOwn(OF_A_VIEW, signal) || Object.hasOwn(KNOWN, signal));
    return known ? [view, signal] : ["", name];
  }

  function entry(name) {
    if (Object.hasOwn(KNOWN, name)) return KNOWN[name];
    const [view, signal] = split(name);
    if (view) return OF_A_VIEW[signal] || KNOWN[signal];
    for (const [pattern, label, text] of FAMILIES) {
      const match = pattern.exec(name);
      if (match) return [label(match[1]), text(match[1])];
    }
    return [name, ""];
  }

  Reason.signals = {
    /** The label, the explanation (or an empty text) and the formatted value of a signal. */
    describe(name, value) {
      const [label, text, format = Reason.format.number] = entry(name);
      return { label, text, value: format(value) };
    },

    /** One sentence about a signal or a column of the meta-vector; empty where nothing is known. */
    explain(name) {
      const [view] = split(name);
      return view ? `${entry(name)[1]} Of the ${VIEWS[view]}.` : entry(name)[1];
    },

    /** Diagnostics of the whole picture first, then those of each view with its title, each a list of [name, value]. */
    byView(diagnostics) {
      const groups = new Map([["", []]]);
      for (const [name, value] of Object.entries(diagnostics)) {
        const [view] = split(name);
        if (!groups.has(view)) groups.set(view, []);
        groups.get(view).push([name, value]);
      }
      return [...groups].map(([view, signals]) => ({
        title: view && VIEWS[view],
        probability: diagnostics[`${view}_probability`],
        signals,
      }));
    },

    /** Split columns into families: numbered names share a unit, all other names have one each. */
    families(names, values) {
      const groups = new Map();
      names.forEach((name, index) => {
        const stem = (/^(.+)_\d+$/.exec(name) || [])[1] || "";
        if (!groups.has(stem)) groups.set(stem, []);
        groups.get(stem).push({ name, value: values[index] });
      });
      return [...groups].map(([stem, columns]) => ({
        title: stem ? FAMILY_TITLES[stem] || stem : "Scalar signals",
        shared: stem !== "",
        columns,
      }));
    },
  };
})((window.Reason = window.Reason || {}));

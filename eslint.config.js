"use strict";

const js = require("@eslint/js");

module.exports = [
  js.configs.recommended,
  {
    files: ["static/*.js"],
    // Classic scripts, because a page opened from disk may load no modules.
    languageOptions: { ecmaVersion: 2022, sourceType: "script" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-undef": "off", // tsc knows the names of the browser and of the other scripts
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-else-return": "error",
      "no-implicit-coercion": "error",
      "no-shadow": "error",
      "no-unused-expressions": "error",
      "no-useless-return": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "off",
      strict: ["error", "global"],
    },
  },
];

/** The documentation site's sidebar: every page of docs/ is in exactly one group. A page's title is its heading. */
export const groups = [
  { text: "Begin", pages: ["index"] },
  { text: "Reference", pages: ["site", "keys", "rules"] },
  {
    text: "How it works",
    pages: [
      "architecture",
      "life-of-a-resource",
      "decisions",
      "measurements",
      "contract-results",
      "findings",
      "style",
    ],
  },
];

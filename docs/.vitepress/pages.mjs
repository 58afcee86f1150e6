/** The documentation site's sidebar: every page of docs/ is in exactly one group. A page's title is its heading. */
export const groups = [
  {
    text: "Begin",
    pages: [
      "index",
      "install",
      "tutorial",
      "guides/from-zero",
      "guides/from-an-existing-host",
      "guides/from-the-shell-scripts",
      "guides/monitoring",
      "guides/cluster",
      "guides/swarm",
      "guides/two-gateways",
    ],
  },
  {
    text: "Reference",
    pages: [
      "site",
      "keys",
      "unattended",
      "trace",
      "dashboard",
      "history",
      "rules",
      "prerequisites",
      "exit-codes",
    ],
  },
  {
    text: "How it works",
    pages: [
      "architecture",
      "life-of-a-resource",
      "decisions",
      "measurements",
      "scale",
      "contract-results",
      "findings",
      "style",
    ],
  },
];

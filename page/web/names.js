// What pages have in common: their one name, and how environments and numbers look.
//
// The hard thing is that a trace's page has no machine: whatever is drawn in both is
// drawn with what is here.
"use strict";

const Jostle = {};

(() => {
  /** Who has a CPU where records of a trace are lost. */
  Jostle.UNKNOWN = 0xffffffff;

  Jostle.bytesOf = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

  /** A position from two words. */
  Jostle.position = (words, at) => words[at] + words[at + 1] * 2 ** 32;

  const hues = new Map();
  /** The colour of an environment: by its slot, so that neighbours differ most. */
  Jostle.colour = (id, alpha = 1) => {
    if (!hues.has(id)) {
      const slot = id & 1023;
      const generation = (id >>> 12) - 1;
      hues.set(id, (190 + (slot + generation * 5) * 137.508) % 360);
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return `hsl(${hues.get(id)} ${dark ? "45% 58%" : "48% 52%"} / ${alpha})`;
  };

  Jostle.hex = (number) => (number >>> 0).toString(16).padStart(8, "0");
  Jostle.grouped = (number) => Math.round(number).toLocaleString("en");
})();

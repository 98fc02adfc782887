// A run as a link: everything that decides it, and where one stands in it.
"use strict";

Jostle.Link = {
  NAMES: ["program", "args", "cpus", "seed", "pace", "buffers", "personality", "choices", "hand", "at"],

  /** What the address says; only names that are known. */
  read() {
    const read = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(this.NAMES.filter((name) => read.has(name)).map((name) => [name, read.get(name)]));
  },

  text(run) {
    const given = this.NAMES.filter((name) => run[name] !== undefined && run[name] !== "");
    return "#" + new URLSearchParams(given.map((name) => [name, run[name]]));
  },

  write(run) {
    try {
      history.replaceState(null, "", this.text(run));
    } catch {
      // A page from a disk may not be allowed to; then the address stays.
    }
  },

  async copy(run) {
    this.write(run);
    const address = location.href.split("#")[0] + this.text(run);
    try {
      await navigator.clipboard.writeText(address);
      return true;
    } catch {
      return false;
    }
  },
};

// The page of a trace: the timeline, the events around the cursor, and who is shown.
//
// The hard thing is to stay quick: of the events only those around the cursor are in the
// document, and the timeline draws a pixel once.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  /** Events of the list on each side of the cursor. */
  const AROUND = 60;

  const data = JSON.parse($("data").textContent);
  const trace = new Jostle.Recorded(data);
  /** The event that the cursor is at. */
  let cursor = 0;

  const label = (at) => {
    const [unit, name, digits] = at >= 1e9 ? [1e9, "s", 6] : at >= 1e6 ? [1e6, "ms", 6] : [1e3, "µs", 3];
    return `${(at / unit).toLocaleString("en", { maximumFractionDigits: digits })} ${name}`;
  };

  const timeline = new Jostle.Timeline($("timeline"), $("tip"), (at) => goTo(nearest(at)));
  Object.assign(timeline, { label, isLive: false });
  timeline.legend($("legend"));
  Jostle.trace = { trace, timeline };

  /** Draws what is shown, as if it came afresh. */
  const fill = () => {
    timeline.clear(data.cpus);
    timeline.pale = trace.hidden;
    timeline.take(trace);
    timeline.arrows = trace.arrows;
    timeline.show(trace.at[cursor] ?? 0, data.end, trace, true);
  };

  // ---- The cursor.

  /** The event in time order: CPUs' clocks may differ, so the trace's is another. */
  const order = Uint32Array.from({ length: data.count }, (_, i) => i).sort((one, other) => trace.at[one] - trace.at[other] || one - other);
  const rank = new Uint32Array(data.count);
  order.forEach((event, place) => { rank[event] = place; });

  const nearest = (at) => {
    let [from, to] = [0, order.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (trace.at[order[middle]] < at) from = middle + 1; else to = middle;
    }
    const [before, after] = [order[Math.max(from - 1, 0)], order[Math.min(from, order.length - 1)]];
    return at - trace.at[before] < trace.at[after] - at ? before : after;
  };

  const goTo = (event) => {
    if (data.count === 0) return;
    cursor = event;
    timeline.show(trace.at[cursor], data.end, trace, true);
    list();
  };

  /** The next event that is shown, or the one before. */
  const go = (step) => {
    for (let place = rank[cursor] + step; place >= 0 && place < order.length; place += step) {
      if (!trace.isHidden(order[place])) return goTo(order[place]);
    }
  };

  const goToChange = (step) => {
    const here = trace.at[cursor];
    const change = step > 0 ? trace.changes.find((at) => at > here) : trace.changes.findLast((at) => at < here);
    if (change !== undefined) goTo(nearest(change));
  };

  const list = () => {
    const shown = (place, step) => {
      const events = [];
      for (; place >= 0 && place < order.length && events.length < AROUND; place += step) {
        if (!trace.isHidden(order[place])) events.push(order[place]);
      }
      return events;
    };
    const place = rank[cursor];
    const events = [...shown(place - 1, -1).reverse(), cursor, ...shown(place + 1, 1)];
    $("list").replaceChildren(...events.map((event) => {
      const item = document.createElement("li");
      for (const text of [label(trace.at[event]), trace.cpu[event], trace.textOf(event)]) {
        const part = document.createElement("span");
        part.textContent = text;
        item.append(part);
      }
      if (event === cursor) item.className = "at";
      item.addEventListener("click", () => goTo(event));
      return item;
    }));
    const at = $("list").querySelector(".at");
    $("list").scrollTop = at.offsetTop - $("list").offsetTop - $("list").clientHeight / 2;
  };

  const find = (wanted) => {
    const words = wanted.trim().toLowerCase();
    if (!words || data.count === 0) return;
    const hits = data.texts.map((text) => text.toLowerCase().includes(words));
    for (let step = 1; step <= order.length; step++) {
      const event = order[(rank[cursor] + step) % order.length];
      if (hits[trace.text[event]] && !trace.isHidden(event)) {
        $("found").textContent = "";
        goTo(event);
        return;
      }
    }
    $("found").textContent = "none";
  };

  // ---- Who is shown.

  const show = (hidden) => {
    trace.hidden = hidden;
    for (const row of $("envs").tBodies[0].rows) {
      const isHidden = hidden.has(row.env);
      row.classList.toggle("off", isHidden);
      row.querySelector("input").checked = !isHidden;
    }
    fill();
    list();
  };

  const all = data.envs.map(([id]) => id);
  const shares = trace.shares();
  $("envs").tBodies[0].append(...data.envs.map(([id, parent, born, died]) => {
    const row = document.createElement("tr");
    row.env = id;
    const cell = (content, isNumber) => {
      const cell = row.insertCell();
      cell.className = isNumber ? "number" : "";
      cell.append(content);
      return cell;
    };
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      const hidden = new Set(trace.hidden);
      if (box.checked) hidden.delete(id); else hidden.add(id);
      show(hidden);
    });
    const chip = Object.assign(document.createElement("span"), { className: "chip", textContent: Jostle.hex(id) });
    chip.style.setProperty("--env", Jostle.colour(id));
    const name = document.createElement("label");
    name.append(box, chip);
    cell(name);
    cell(parent ? Jostle.hex(parent) : "kernel");
    cell(label(born), true);
    cell(died < 0 ? "" : label(died), true);
    cell(label(shares.get(id) ?? 0), true);
    const only = Object.assign(document.createElement("button"), { className: "small", type: "button", textContent: "only" });
    only.addEventListener("click", () => show(new Set(all.filter((other) => other !== id))));
    cell(only);
    return row;
  }));
  $("filter").addEventListener("input", () => {
    const wanted = $("filter").value.trim().toLowerCase();
    for (const row of $("envs").tBodies[0].rows) row.hidden = !Jostle.hex(row.env).includes(wanted);
  });
  $("show-all").addEventListener("click", () => show(new Set()));
  $("show-none").addEventListener("click", () => show(new Set(all)));

  // ---- Keys and buttons.

  const pan = (share) => {
    const length = timeline.to - timeline.from;
    timeline.look(timeline.from + length * share, length);
    timeline.draw();
  };
  $("closer").addEventListener("click", () => timeline.zoom(0.5));
  $("farther").addEventListener("click", () => timeline.zoom(2));
  $("fit").addEventListener("click", () => timeline.fit());
  $("find").addEventListener("submit", (event) => {
    event.preventDefault();
    find($("text").value);
  });
  const KEYS = {
    ArrowRight: (event) => (event.shiftKey ? pan(0.25) : go(1)),
    ArrowLeft: (event) => (event.shiftKey ? pan(-0.25) : go(-1)),
    n: () => goToChange(1),
    p: () => goToChange(-1),
    Home: () => goTo(order[0]),
    End: () => goTo(order[order.length - 1]),
    "+": () => timeline.zoom(0.5),
    "-": () => timeline.zoom(2),
    "0": () => timeline.fit(),
    "/": () => $("text").focus(),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = KEYS[event.key];
    if (!key || event.target.closest("input:not([type=checkbox])")) return;
    event.preventDefault();
    key(event);
  });

  const many = (count, what) => `${Jostle.grouped(count)} ${what}${count === 1 ? "" : "s"}`;
  document.title = data.name;
  $("name").textContent = data.name;
  $("summary").textContent = [many(data.cpus, "CPU"), many(all.length, "environment"), many(data.count, "event"), label(data.end)].join(", ");
  if (data.lost > 0) {
    $("notice").textContent = `${many(data.lost, "record")} of this trace ${data.lost === 1 ? "is" : "are"} lost: what is not known is hatched.`;
    $("notice").hidden = false;
  }
  fill();
  goTo(order[0]);
  timeline.look(0, data.busy * 1.02);
})();

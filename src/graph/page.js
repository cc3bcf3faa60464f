"use strict";
(() => {
  const { nodes, edges } = JSON.parse(document.getElementById("data").textContent);
  const stage = document.getElementById("stage");
  const svg = stage.querySelector("svg");
  const panel = document.getElementById("panel");
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const drawn = new Map();
  for (const element of svg.querySelectorAll(".node")) drawn.set(+element.dataset.node, element);
  const lines = [...svg.querySelectorAll(".edge[data-from]")].map((element) => ({
    element, from: +element.dataset.from, to: +element.dataset.to,
  }));
  let chosen = null;

  // Zoom and pan: the view box moves, the drawing does not.
  const whole = svg.viewBox.baseVal;
  const full = { x: 0, y: 0, w: whole.width, h: whole.height };
  let view = { ...full };
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  const show = () => svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.h}`);
  const scale = () => Math.max(view.w / stage.clientWidth, view.h / stage.clientHeight);
  const zoom = (factor, clientX, clientY) => {
    const w = Math.min(Math.max(view.w * factor, 160), full.w * 4);
    const by = w / view.w;
    const point = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
    view = { x: point.x - (point.x - view.x) * by, y: point.y - (point.y - view.y) * by, w, h: view.h * by };
    show();
  };
  const middle = () => { const r = stage.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 60) / 300), event.clientX, event.clientY);
  }, { passive: false });
  let drag = null;
  stage.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, y: event.clientY, view: { ...view }, far: false }; });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
    if (Math.hypot(x, y) > 4) { drag.far = true; stage.classList.add("dragged"); }
    if (drag.far) { view.x = drag.view.x - x * scale(); view.y = drag.view.y - y * scale(); show(); }
  });
  let dragged = false;
  addEventListener("pointerup", () => { dragged = drag?.far ?? false; drag = null; stage.classList.remove("dragged"); });
  document.getElementById("in").onclick = () => zoom(0.8, ...middle());
  document.getElementById("out").onclick = () => zoom(1.25, ...middle());
  document.getElementById("fit").onclick = () => { view = { ...full }; show(); };
  document.getElementById("theme").onclick = () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  };

  // A stack stands for all that is in it.
  const parts = (node) => [node, ...nodes.keys()].filter((other, index) => index === 0 || nodes[other].stack === node);
  const reach = (node, from, to) => {
    const seen = new Set(parts(node));
    const open = [...seen];
    while (open.length) {
      const at = open.pop();
      for (const edge of edges) if (edge[from] === at && !seen.has(edge[to])) { seen.add(edge[to]); open.push(edge[to]); }
    }
    return seen;
  };
  const light = (on) => {
    svg.classList.toggle("lit", on !== null);
    const holders = new Set([...(on ?? [])].map((node) => nodes[node].stack));
    for (const [index, element] of drawn) {
      element.classList.toggle("on", !!on && (on.has(index) || holders.has(index)));
    }
    for (const line of lines) line.element.classList.toggle("on", !!on && on.has(line.from) && on.has(line.to));
  };
  const around = (node) => new Set([...reach(node, "to", "from"), ...reach(node, "from", "to")]);
  const near = (node) => {
    const own = new Set(parts(node));
    const all = new Set(own);
    for (const edge of edges) {
      if (own.has(edge.from)) all.add(edge.to);
      if (own.has(edge.to)) all.add(edge.from);
    }
    return all;
  };

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const list = (title, entries) => {
    panel.append(make("h3", `${title} (${entries.length})`));
    const all = make("ul");
    for (const { node, words } of entries) {
      const item = make("li");
      const button = make("button", nodes[node].label + " ");
      button.type = "button";
      button.append(make("small", words));
      button.onclick = () => { choose(node); go(node); };
      item.append(button);
      all.append(item);
    }
    panel.append(all);
  };
  // Brings a node that is far off, or too small to read, before the reader.
  const go = (node) => {
    const box = drawn.get(node)?.getBBox();
    if (!box) return;
    const w = Math.max(box.width * 1.6, 900);
    const h = w * stage.clientHeight / stage.clientWidth;
    const inside = box.x > view.x && box.x + box.width < view.x + view.w && box.y > view.y && box.y + box.height < view.y + view.h;
    if (inside && view.w < w * 1.7) return;
    view = { x: box.x + box.width / 2 - w / 2, y: box.y + box.height / 2 - h / 2, w, h };
    show();
  };
  const choose = (node) => {
    drawn.get(chosen)?.classList.remove("chosen");
    chosen = node;
    panel.hidden = node === null;
    panel.replaceChildren();
    if (node === null) { light(null); return; }
    drawn.get(node)?.classList.add("chosen");
    light(around(node));
    const { label, detail, type, region, stack } = nodes[node];
    const close = make("button", "×", "close");
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.onclick = () => choose(null);
    panel.append(close, make("h2", label), make("p", type || detail));
    panel.append(make("p", stack === null ? region : `${nodes[stack].label} · ${region}`));
    const own = new Set(parts(node));
    const entries = (here, there) => {
      const by = new Map();
      for (const edge of edges) if (own.has(edge[here]) && !own.has(edge[there])) {
        const words = by.get(edge[there]) ?? new Set();
        for (const word of edge.values.length ? edge.values : [edge.kind]) words.add(word);
        by.set(edge[there], words);
      }
      return [...by].map(([other, words]) => ({ node: other, words: [...words].join(", ") }));
    };
    list("Needs", entries("to", "from"));
    list("Needed by", entries("from", "to"));
  };
  for (const [node, element] of drawn) {
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", element.querySelector("title").textContent);
    element.addEventListener("click", (event) => { event.stopPropagation(); if (!dragged) choose(node); });
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(node); }
    });
    element.addEventListener("pointerenter", () => { if (chosen === null && !drag && !search.value) light(near(node)); });
    element.addEventListener("pointerleave", () => { if (chosen === null && !search.value) light(null); });
  }
  stage.addEventListener("click", () => { if (!dragged) choose(null); });
  const look = () => {
    const words = search.value.trim().toLowerCase();
    found.textContent = "";
    if (!words) { choose(chosen); return; }
    const hits = new Set([...nodes.keys()].filter((index) => {
      const { label, detail, type } = nodes[index];
      return [label, detail, type].some((text) => text.toLowerCase().includes(words));
    }));
    found.textContent = hits.size === 1 ? "1 found" : `${hits.size} found`;
    light(hits);
  };
  search.addEventListener("input", look);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const hit = [...drawn.keys()].find((index) => drawn.get(index).classList.contains("on") && nodes[index].kind !== "stack")
      ?? [...drawn.keys()].find((index) => drawn.get(index).classList.contains("on"));
    if (hit !== undefined) { choose(hit); go(hit); }
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") { search.value = ""; found.textContent = ""; choose(null); }
    if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
  });
})();

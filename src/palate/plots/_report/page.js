"use strict";

// Each figure has layouts for several widths, the widest first.
const figures = Array.from(document.querySelectorAll(".figure"), (box) => ({
  box,
  canvas: box.querySelector(".canvas"),
  ...JSON.parse(box.querySelector("script").textContent),
}));

// On a touch screen, dragging over a figure scrolls the page.
const dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
const config = { displayModeBar: false, responsive: false, doubleClick: "reset" };

function draw(figure) {
  const available = figure.box.clientWidth;
  const fitting = figure.layouts.find((layout) => layout.width <= available);
  const layout = fitting ?? figure.layouts[figure.layouts.length - 1];
  if (layout === figure.current) return;
  figure.current = layout;
  Plotly.react(figure.canvas, figure.data, { ...structuredClone(layout), dragmode }, config);
}

figures.forEach(draw);
addEventListener("resize", () => figures.forEach(draw));

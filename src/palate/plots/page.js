"use strict";

// Each figure comes with layouts for several widths, the widest first.
const figures = Array.from(document.querySelectorAll(".figure"), (box) => ({
  box,
  canvas: box.querySelector(".canvas"),
  ...JSON.parse(box.querySelector("script").textContent),
}));

// A finger that drags over a figure wants to scroll the page.
const dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
const config = { displayModeBar: false, responsive: false, doubleClick: "reset" };

function draw(figure) {
  const room = figure.box.clientWidth;
  const fits = figure.layouts.find((layout) => layout.width <= room);
  const layout = fits ?? figure.layouts[figure.layouts.length - 1];
  if (layout === figure.shown) return;
  figure.shown = layout;
  Plotly.react(figure.canvas, figure.data, { ...structuredClone(layout), dragmode }, config);
}

figures.forEach(draw);
addEventListener("resize", () => figures.forEach(draw));

import { calm, el } from './dom.js';

const MARGIN = { l: 46, r: 14, t: 14, b: 30 };
const FONT = '500 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const FLIGHT = 500;
let loading;

/** Plotly is large, and so is fetched only by the views that draw with it. */
function loadPlotly() {
  loading ??= new Promise((done, failed) => {
    const script = el('script', { src: 'plotly.js' });
    script.onload = () => done(globalThis.Plotly);
    script.onerror = () => {
      loading = undefined;
      failed(new Error('the script that draws could not be loaded'));
    };
    document.head.append(script);
  });
  return loading;
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A scatter in a box. Points are {id, title, x, y, size, colour, faint, xLower and so on};
 * what is drawn over it (labels, marks, hover) is placed by us, not by Plotly.
 */
export async function scatter(box, { drag = false, labels = 0, tell, onPick, onHover, onView, onSelect } = {}) {
  const Plotly = await loadPlotly();
  const graph = el('div', { class: 'graph' });
  const over = el('div', { class: 'over', 'aria-hidden': 'true' });
  const names = el('div');
  const mark = el('div', { class: 'mark-ring', hidden: true }, el('i'), el('b'));
  const tip = el('div', { class: 'tip', hidden: true });
  over.append(names, mark, tip);
  box.replaceChildren(graph, over);
  let points = [];
  let axes = {};
  let marked = null;
  let picked = null;
  let queued = 0;

  const pixel = (axis, value) => axis._offset + axis.d2p(value);
  const inside = ({ _offset: from, _length: length }, p) => p >= from && p <= from + length;
  const shownPoints = () => {
    const { xaxis, yaxis } = graph._fullLayout;
    return points
      .map((point) => ({ point, x: pixel(xaxis, point.x), y: pixel(yaxis, point.y) }))
      .filter(({ x, y }) => inside(xaxis, x) && inside(yaxis, y));
  };
  const overlay = () => {
    queued = 0;
    if (!graph._fullLayout) return;
    placeMark();
    const shown = shownPoints();
    if (labels) {
      const most = Math.round(labels * Math.min(1, graph.clientWidth / 900));
      const named = picked ? shown.filter(({ point }) => picked.has(point.id)) : shown;
      names.replaceChildren(...placed(named, graph._fullLayout, most, marked));
    }
    onView?.(shown.map(({ point }) => point));
  };
  const soon = () => {
    queued ||= requestAnimationFrame(overlay);
  };
  const placeMark = () => {
    const point = points.find(({ id }) => id === marked);
    mark.hidden = !point;
    if (!point) return;
    const { xaxis, yaxis } = graph._fullLayout;
    const [x, y] = [pixel(xaxis, point.x), pixel(yaxis, point.y)];
    mark.hidden = !(inside(xaxis, x) && inside(yaxis, y));
    const span = (axis, lower, upper, here) => (lower === null || lower === undefined ? [0, 0] : [pixel(axis, lower) - here, pixel(axis, upper) - here]);
    const [left, right] = span(xaxis, point.xLower, point.xUpper, x);
    const [bottom, top] = span(yaxis, point.yLower, point.yUpper, y);
    const said = { left: x, top: y, '--left': left, '--across': right - left, '--top': top, '--up': bottom - top, '--size': point.size + 8 };
    for (const [name, value] of Object.entries(said)) mark.style.setProperty(name, `${value}px`);
  };
  const showTip = (point) => {
    tip.replaceChildren(el('strong', {}, point.title), ...tell(point).map((line) => el('span', {}, line)));
    tip.hidden = false;
    const { xaxis, yaxis } = graph._fullLayout;
    const [x, y] = [pixel(xaxis, point.x), pixel(yaxis, point.y)];
    const left = Math.min(Math.max(4, x - tip.offsetWidth / 2), graph.clientWidth - tip.offsetWidth - 4);
    tip.style.left = `${left}px`;
    tip.style.top = `${y > tip.offsetHeight + 18 ? y - tip.offsetHeight - 14 : y + 14}px`;
  };

  const draw = async () => {
    await Plotly.react(graph, [trace(points)], layout(axes, drag), { displayModeBar: false, scrollZoom: Boolean(drag), doubleClick: 'reset', showTips: false });
    soon();
  };
  const range = (axis) => [...graph._fullLayout[axis].range];
  const reach = async (x, y, fly) => {
    const to = { 'xaxis.range': x, 'yaxis.range': y };
    axes = { ...axes, x: { ...axes.x, range: x }, y: { ...axes.y, range: y } };
    // Plotly's flights know nothing of selections, and fail on them.
    if (calm() || !fly || drag !== 'pan') return Plotly.relayout(graph, to);
    over.classList.add('flying');
    await Plotly.animate(graph, { layout: { xaxis: { range: x }, yaxis: { range: y } } }, { transition: { duration: FLIGHT, easing: 'cubic-in-out' }, frame: { duration: FLIGHT, redraw: false } });
    over.classList.remove('flying');
    return soon();
  };
  const around = (axis, centre, factor) => {
    const [low, high] = range(axis);
    const middle = centre ?? (low + high) / 2;
    return [middle - ((high - low) * factor) / 2, middle + ((high - low) * factor) / 2];
  };

  await draw();
  graph.on('plotly_hover', ({ points: [{ pointIndex }] }) => {
    showTip(points[pointIndex]);
    onHover?.(points[pointIndex].id);
  });
  graph.on('plotly_unhover', () => {
    tip.hidden = true;
    onHover?.(null);
  });
  graph.on('plotly_click', ({ points: [{ pointIndex }] }) => onPick?.(points[pointIndex]));
  const choose = (some) => {
    picked = some?.length ? new Set(some.map(({ id }) => id)) : null;
    soon();
    onSelect?.(some);
  };
  graph.on('plotly_selected', (event) => event && choose(event.points.map(({ pointIndex }) => points[pointIndex])));
  graph.on('plotly_deselect', () => choose(null));
  graph.on('plotly_relayouting', soon);
  graph.on('plotly_afterplot', soon);
  const sized = new ResizeObserver(() => graph.isConnected && Plotly.Plots.resize(graph));
  sized.observe(box);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const recolour = () => api.onColours?.() ?? draw();
  dark.addEventListener('change', recolour);

  const api = {
    set(next, span) {
      points = next;
      axes = span;
      picked = null;
      return draw();
    },
    mark(id) {
      marked = id;
      soon();
    },
    fly(point) {
      const linear = (axis, v) => (axes[axis[0]]?.type === 'log' ? Math.log10(v) : v);
      const full = (axis) => axes.full[axis[0]][1] - axes.full[axis[0]][0];
      const near = (axis, v) => [linear(axis, v) - full(axis) / 8, linear(axis, v) + full(axis) / 8];
      return reach(near('xaxis', point.x), near('yaxis', point.y), true);
    },
    zoom: (factor) => reach(around('xaxis', null, factor), around('yaxis', null, factor), true),
    reset: () => reach(axes.full.x, axes.full.y, true),
    mode(next) {
      drag = next;
      return Plotly.relayout(graph, { dragmode: next });
    },
    clear() {
      picked = null;
      return Plotly.update(graph, { selectedpoints: [null] }, { selections: [] });
    },
    close() {
      sized.disconnect();
      dark.removeEventListener('change', recolour);
      Plotly.purge(graph);
    },
  };
  return api;
}

function trace(points) {
  const of = (name) => points.map((point) => point[name]);
  return {
    type: 'scatter',
    mode: 'markers',
    x: of('x'),
    y: of('y'),
    hoverinfo: 'none',
    marker: { size: of('size'), color: of('colour'), opacity: points.map(({ faint }) => (faint ? 0.28 : 0.82)), line: { width: 0.75, color: colour('--raised') } },
    selected: { marker: { opacity: 1 } },
    unselected: { marker: { opacity: 0.1 } },
  };
}

function layout({ x = {}, y = {} }, drag) {
  const axis = ({ range, type = 'linear' }) => ({
    type,
    range,
    fixedrange: !drag,
    gridcolor: colour('--line'),
    zerolinecolor: colour('--zero'),
    zerolinewidth: 1,
    tickfont: { color: colour('--soft'), size: 12 },
    nticks: 7,
    ...(type === 'log' && { dtick: 1 }),
  });
  return {
    autosize: true,
    margin: MARGIN,
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: FONT.split('px ')[1] },
    hovermode: 'closest',
    hoverdistance: 12,
    dragmode: drag,
    showlegend: false,
    newselection: { line: { color: colour('--accent'), width: 1.5, dash: 'solid' } },
    activeselection: { fillcolor: 'rgba(0,0,0,0)' },
    xaxis: axis(x),
    yaxis: axis(y),
  };
}

/** Labels that do not collide: those with most ratings choose first, and the marked one before. */
function placed(shown, { xaxis, yaxis }, most, marked) {
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = FONT;
  const [right, bottom] = [xaxis._offset + xaxis._length, yaxis._offset + yaxis._length];
  const taken = [];
  const free = (box) => box[0] >= xaxis._offset && box[2] <= right && box[1] >= yaxis._offset && box[3] <= bottom
    && !taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]);
  const rank = ({ id, ratings }) => (id === marked ? Infinity : ratings);
  const first = [...shown].sort((a, b) => rank(b.point) - rank(a.point));
  const made = [];
  for (const { point, x, y } of first.filter((one) => !one.point.faint || one.point.id === marked).slice(0, 300)) {
    if (made.length >= most) break;
    const width = pen.measureText(point.title).width + 4;
    const gap = point.size / 2 + 3;
    const box = [...(point.id === marked ? [[x + 8, y - gap - 17], [x - 8 - width, y - gap - 17]] : []), [x + gap, y - 8], [x - gap - width, y - 8], [x - width / 2, y - gap - 15], [x - width / 2, y + gap - 1]]
      .map(([left, top]) => [left, top, left + width, top + 16])
      .find(free);
    if (!box) continue;
    taken.push(box, [x - gap, y - gap, x + gap, y + gap]);
    made.push(el('span', { class: point.id === marked ? 'name marked' : 'name', style: { left: `${box[0]}px`, top: `${box[1]}px` } }, point.title));
  }
  return made;
}

/** The range that holds the values, with some space around. */
export function rangeOf(values, log = false) {
  const linear = log ? values.map(Math.log10) : values;
  const low = linear.reduce((a, b) => Math.min(a, b), Infinity);
  const high = linear.reduce((a, b) => Math.max(a, b), -Infinity);
  const pad = 0.04 * (high - low) || 1;
  return [low - pad, high + pad];
}

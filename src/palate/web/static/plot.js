import { el, prefersReducedMotion } from './dom.js';

const MARGIN = { l: 46, r: 14, t: 14, b: 30 };
const ANIMATION_MS = 500;
// Maximum number of points that are tried for a label.
const MAX_CANDIDATES = 300;
let loading;

/** Load Plotly. It is large, so only the views that draw with it load it. */
function loadPlotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = el('script', { src: 'plotly.js' });
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => {
      loading = undefined;
      reject(new Error('the plotting library could not be loaded'));
    };
    document.head.append(script);
  });
  return loading;
}

const property = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const colour = property;

/**
 * Draw a scatter plot in a box. Points are {id, title, x, y, size, colour, faint, xLower, ...}.
 * Plotly draws the points and axes; labels, marker and tooltip are elements of an overlay.
 * `tooltip` returns the lines of a point's tooltip. With `drag` ('pan', 'select' or 'lasso') the
 * plot can be zoomed and dragged. `labels` is the maximum number of labels on a wide plot.
 */
export async function scatter(box, { drag = false, labels = 0, tooltip, onPick, onHover, onView, onSelect } = {}) {
  const Plotly = await loadPlotly();
  const graph = el('div', { class: 'graph' });
  const overlay = el('div', { class: 'overlay', 'aria-hidden': 'true' });
  const names = el('div');
  const marker = el('div', { class: 'marker', hidden: true }, el('i'), el('b'));
  const tip = el('div', { class: 'tooltip', hidden: true });
  overlay.append(names, marker, tip);
  box.replaceChildren(graph, overlay);
  let points = [];
  let axes = {};
  let markedId = null;
  let selectedIds = null;
  let frame = 0;

  const pixel = (axis, value) => axis._offset + axis.d2p(value);
  const isInside = ({ _offset: start, _length: length }, position) => position >= start && position <= start + length;
  const pointsInView = () => {
    const { xaxis, yaxis } = graph._fullLayout;
    return points
      .map((point) => ({ point, x: pixel(xaxis, point.x), y: pixel(yaxis, point.y) }))
      .filter(({ x, y }) => isInside(xaxis, x) && isInside(yaxis, y));
  };
  const drawOverlay = () => {
    frame = 0;
    if (!graph._fullLayout) return;
    placeMarker();
    const inView = pointsInView();
    if (labels) {
      const max = Math.round(labels * Math.min(1, graph.clientWidth / 900));
      const labelled = selectedIds ? inView.filter(({ point }) => selectedIds.has(point.id)) : inView;
      names.replaceChildren(...placeLabels(labelled, graph._fullLayout, max, markedId));
    }
    onView?.(inView.map(({ point }) => point));
  };
  const scheduleOverlay = () => {
    frame ||= requestAnimationFrame(drawOverlay);
  };
  const placeMarker = () => {
    const point = points.find(({ id }) => id === markedId);
    marker.hidden = !point;
    if (!point) return;
    const { xaxis, yaxis } = graph._fullLayout;
    const [x, y] = [pixel(xaxis, point.x), pixel(yaxis, point.y)];
    marker.hidden = !(isInside(xaxis, x) && isInside(yaxis, y));
    const interval = (axis, lower, upper, centre) => (lower === null || lower === undefined ? [0, 0] : [pixel(axis, lower) - centre, pixel(axis, upper) - centre]);
    const [left, right] = interval(xaxis, point.xLower, point.xUpper, x);
    const [bottom, top] = interval(yaxis, point.yLower, point.yUpper, y);
    const style = { left: x, top: y, '--left': left, '--width': right - left, '--top': top, '--height': bottom - top, '--size': point.size + 8 };
    for (const [name, value] of Object.entries(style)) marker.style.setProperty(name, `${value}px`);
  };
  const showTooltip = (point) => {
    tip.replaceChildren(el('strong', {}, point.title), ...tooltip(point).map((line) => el('span', {}, line)));
    tip.hidden = false;
    const { xaxis, yaxis } = graph._fullLayout;
    const [x, y] = [pixel(xaxis, point.x), pixel(yaxis, point.y)];
    const left = Math.min(Math.max(4, x - tip.offsetWidth / 2), graph.clientWidth - tip.offsetWidth - 4);
    tip.style.left = `${left}px`;
    tip.style.top = `${y > tip.offsetHeight + 18 ? y - tip.offsetHeight - 14 : y + 14}px`;
  };

  const draw = async () => {
    await Plotly.react(graph, [trace(points)], layout(axes, drag), { displayModeBar: false, scrollZoom: Boolean(drag), doubleClick: 'reset', showTips: false });
    scheduleOverlay();
  };
  const setRanges = async (x, y) => {
    axes = { ...axes, x: { ...axes.x, range: x }, y: { ...axes.y, range: y } };
    // Plotly's animations fail while a selection is drawn.
    if (prefersReducedMotion() || drag !== 'pan') return Plotly.relayout(graph, { 'xaxis.range': x, 'yaxis.range': y });
    overlay.classList.add('animating');
    await Plotly.animate(graph, { layout: { xaxis: { range: x }, yaxis: { range: y } } }, { transition: { duration: ANIMATION_MS, easing: 'cubic-in-out' }, frame: { duration: ANIMATION_MS, redraw: false } });
    overlay.classList.remove('animating');
    return scheduleOverlay();
  };
  const scaledRange = (axis, factor) => {
    const [low, high] = graph._fullLayout[axis].range;
    const [middle, half] = [(low + high) / 2, ((high - low) * factor) / 2];
    return [middle - half, middle + half];
  };

  await draw();
  graph.on('plotly_hover', ({ points: [{ pointIndex }] }) => {
    showTooltip(points[pointIndex]);
    onHover?.(points[pointIndex].id);
  });
  graph.on('plotly_unhover', () => {
    tip.hidden = true;
    onHover?.(null);
  });
  graph.on('plotly_click', ({ points: [{ pointIndex }] }) => onPick?.(points[pointIndex]));
  const select = (selected) => {
    selectedIds = selected?.length ? new Set(selected.map(({ id }) => id)) : null;
    scheduleOverlay();
    onSelect?.(selected);
  };
  graph.on('plotly_selected', (event) => event && select(event.points.map(({ pointIndex }) => points[pointIndex])));
  graph.on('plotly_deselect', () => select(null));
  graph.on('plotly_relayouting', scheduleOverlay);
  graph.on('plotly_afterplot', scheduleOverlay);
  const resizeObserver = new ResizeObserver(() => graph.isConnected && Plotly.Plots.resize(graph));
  resizeObserver.observe(box);
  const darkMode = matchMedia('(prefers-color-scheme: dark)');
  const recolour = () => plot.onColours?.() ?? draw();
  darkMode.addEventListener('change', recolour);

  const plot = {
    set(newPoints, newAxes) {
      points = newPoints;
      axes = newAxes;
      selectedIds = null;
      return draw();
    },
    mark(id) {
      markedId = id;
      scheduleOverlay();
    },
    /** Zoom in on a point: a quarter of the full range, centred on it. */
    zoomTo(point) {
      const range = (axis) => {
        const [low, high] = axes.full[axis];
        const centre = axes[axis]?.type === 'log' ? Math.log10(point[axis]) : point[axis];
        return [centre - (high - low) / 8, centre + (high - low) / 8];
      };
      return setRanges(range('x'), range('y'));
    },
    zoom: (factor) => setRanges(scaledRange('xaxis', factor), scaledRange('yaxis', factor)),
    reset: () => setRanges(axes.full.x, axes.full.y),
    setDragMode(mode) {
      drag = mode;
      return Plotly.relayout(graph, { dragmode: mode });
    },
    clearSelection() {
      selectedIds = null;
      return Plotly.update(graph, { selectedpoints: [null] }, { selections: [] });
    },
    close() {
      resizeObserver.disconnect();
      darkMode.removeEventListener('change', recolour);
      Plotly.purge(graph);
    },
  };
  return plot;
}

function trace(points) {
  const column = (name) => points.map((point) => point[name]);
  return {
    type: 'scatter',
    mode: 'markers',
    x: column('x'),
    y: column('y'),
    hoverinfo: 'none',
    marker: { size: column('size'), color: column('colour'), opacity: points.map(({ faint }) => (faint ? 0.28 : 0.82)), line: { width: 0.75, color: colour('--raised') } },
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
    font: { family: property('--font') },
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

/**
 * Return labels that do not overlap each other or the labelled points. The marked point is placed
 * first, then the points with the most ratings; each label takes the first free position. The rule
 * and its other implementation are described in palate/_theme.
 */
function placeLabels(inView, { xaxis, yaxis }, max, markedId) {
  const context = document.createElement('canvas').getContext('2d');
  context.font = `500 12px ${property('--font')}`;
  const [right, bottom] = [xaxis._offset + xaxis._length, yaxis._offset + yaxis._length];
  const occupied = [];
  const isFree = ([x0, y0, x1, y1]) => x0 >= xaxis._offset && x1 <= right && y0 >= yaxis._offset && y1 <= bottom
    && !occupied.some((other) => x0 < other[2] && x1 > other[0] && y0 < other[3] && y1 > other[1]);
  const priority = ({ id, ratings }) => (id === markedId ? Infinity : ratings);
  const candidates = inView.filter(({ point }) => !point.faint || point.id === markedId)
    .sort((a, b) => priority(b.point) - priority(a.point))
    .slice(0, MAX_CANDIDATES);
  const labels = [];
  for (const { point, x, y } of candidates) {
    if (labels.length >= max) break;
    const isMarked = point.id === markedId;
    const width = context.measureText(point.title).width + 4;
    const gap = point.size / 2 + 3;
    const positions = [
      ...(isMarked ? [[x + 8, y - gap - 17], [x - 8 - width, y - gap - 17]] : []), // clear of the intervals
      [x + gap, y - 8], [x - gap - width, y - 8], [x - width / 2, y - gap - 15], [x - width / 2, y + gap - 1],
    ];
    const box = positions.map(([left, top]) => [left, top, left + width, top + 16]).find(isFree);
    if (!box) continue;
    occupied.push(box, [x - gap, y - gap, x + gap, y + gap]);
    labels.push(el('span', { class: isMarked ? 'name marked' : 'name', style: { left: `${box[0]}px`, top: `${box[1]}px` } }, point.title));
  }
  return labels;
}

/** Return the range of the values with a margin; of their logarithms to base 10 for a log axis. */
export function rangeOf(values, log = false) {
  const linear = log ? values.map(Math.log10) : values;
  const low = linear.reduce((a, b) => Math.min(a, b), Infinity);
  const high = linear.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = 0.04 * (high - low) || 1;
  return [low - margin, high + margin];
}

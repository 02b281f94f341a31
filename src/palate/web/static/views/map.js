import { latestOnly, requestCached } from '../api.js';
import { itemCombobox } from '../combobox.js';
import { announce, el, errorNote } from '../dom.js';
import { PICKS_ONLY, between, coordinate, ends, hasRatings, number, plural, short } from '../format.js';
import { itemCard } from '../map/card.js';
import { MINE, colourOptions, colouringBy } from '../map/colours.js';
import { sidePanel } from '../map/panel.js';
import { personLegend, personOn } from '../map/person.js';
import { mapPoints } from '../map/points.js';
import { myRatings, onMyRatings } from '../my_ratings.js';
import { colour, rangeOf, scatter } from '../plot.js';
import { go, href } from '../router.js';

const MAX_LABELS = 44;
const DRAG_MODES = [['pan', 'Move'], ['select', 'Box'], ['lasso', 'Lasso']];
// The coordinate that is drawn on a logarithmic scale.
const LOGARITHMIC = 'ratings';
// The state that decides what is drawn.
const SHAPE = ['x', 'y', 'colour'];
const LABEL = 'Map of the items. Arrow keys move it, plus and minus zoom, 0 shows all, and Enter opens the title nearest to the middle. The list after it has the same titles.';

export async function show(route, summary) {
  if (!hasRatings(summary)) return { title: 'Map', body: [el('p', { class: 'note' }, PICKS_ONLY)] };
  const map = new MapView(state(route.params, summary), summary);
  return {
    title: 'Map',
    lead: 'Every dot is an item; larger dots have more ratings. On two axes of taste, items near each other are liked by the same people.',
    body: map.body,
    mounted: () => map.start(),
    update: ({ params }) => map.update(state(params, summary)),
    close: () => map.close(),
  };
}

/** Return the state of the view from the parameters of its address, with defaults. */
function state(params, { coordinates }) {
  const valid = (name, fallback) => (coordinates.includes(params.get(name)) ? params.get(name) : fallback);
  const numbers = (name) => (params.get(name) ?? '').split(',').filter(Boolean).map(Number);
  const pairs = (values) => Array.from({ length: values.length / 2 }, (_, i) => values.slice(2 * i, 2 * i + 2));
  const [first, second = first] = coordinates;
  const [view, select] = [numbers('view'), numbers('select')];
  const isSound = (values) => values.every(Number.isFinite);
  const [across, up] = pairs(view);
  return {
    x: valid('x', first),
    y: valid('y', second),
    colour: params.get('colour') ?? 'bias',
    find: params.get('find'),
    view: view.length === 4 && isSound(view) && across[0] < across[1] && up[0] < up[1] ? { x: across, y: up } : null,
    select: select.length >= 6 && select.length % 2 === 0 && isSound(select) ? pairs(select) : null,
  };
}

const rounded = (range) => range.map((end) => Number(end.toPrecision(6)));

const addressOf = ({ view, select, ...rest }) =>
  href(['map'], { ...rest, view: view && [...rounded(view.x), ...rounded(view.y)].join(','), select: select?.flat().join(',') });

/** The map with its fields, tools, legend, card and panel. */
class MapView {
  #summary;
  #current;
  #address = location.hash;
  #plot = null;
  #points = [];
  #isClosed = false;
  #latestPerson = latestOnly();
  #stopListening = null;
  #axes = null;
  #colouring = null;
  #selected = null;
  #opened = null;
  #inView = [];
  #fields;
  #modes;
  #box = el('div', { class: 'plot tall', 'aria-busy': 'true' });
  #frame = el('div', { class: 'map-frame' });
  #legend = el('div', { class: 'map-legend' });
  #personLegend = el('div', { class: 'map-legend' });
  #note = el('div');
  #panel;
  #card;

  constructor(current, summary) {
    this.#current = current;
    this.#summary = summary;
    this.#fields = this.#selects();
    this.#modes = DRAG_MODES.map(([mode, name]) => el('button', { type: 'button', 'data-mode': mode, 'aria-pressed': String(mode === 'pan'), on: { click: () => this.#setMode(mode) } }, name));
    this.#panel = sidePanel(summary, { onClear: () => this.#plot.clearSelection(), onMark: (id) => this.#plot?.mark(this.#find(id ?? this.#current.find)?.id ?? null) });
    this.#card = itemCard(summary, () => this.#open(null));
    this.#frame.append(this.#box);
  }

  get body() {
    const field = (name, control) => el('div', { class: 'field' }, el('label', { for: control.id }, name), control);
    const search = itemCombobox({ label: 'Find a title', onPick: ({ id }) => this.#reveal(id) });
    const { x, y, colour: shade } = this.#fields;
    return [
      el('form', { class: 'filters', 'aria-label': 'What the map shows', on: { submit: (event) => event.preventDefault() } },
        field('Horizontal', x), field('Vertical', y), field('Colour', shade), el('div', { class: 'field' }, search.node)),
      el('div', { class: 'split map' },
        el('div', { class: 'map-main' }, this.#tools(), this.#frame, el('p', { class: 'soft map-hint' }, 'Two fingers move and zoom the map.'), this.#legend, this.#personLegend, this.#note), this.#panel.node),
    ];
  }

  #selects() {
    const coordinates = () => this.#summary.coordinates.map((name) => el('option', { value: name }, coordinate(name, this.#summary)));
    const select = (name, options) => el('select', { id: `map-${name}`, on: { change: ({ target }) => this.#change({ [name]: target.value }) } }, options);
    return { x: select('x', coordinates()), y: select('y', coordinates()), colour: select('colour', colourOptions(this.#summary)) };
  }

  #tools() {
    const tool = (name, symbol, run) => el('button', { type: 'button', 'aria-label': name, on: { click: () => this.#plot && run(this.#plot) } }, symbol);
    return el('div', { class: 'tools' },
      el('div', { class: 'segments', role: 'group', 'aria-label': 'What dragging does' }, ...this.#modes),
      el('div', { class: 'segments', role: 'group', 'aria-label': 'Zoom' },
        tool('Zoom in', '+', (plot) => plot.zoom(0.6)), tool('Zoom out', '−', (plot) => plot.zoom(1 / 0.6)), tool('Show all', 'All', (plot) => plot.reset())));
  }

  async start() {
    await this.#attempt(() => {
      this.#plot = scatter(this.#box, {
        drag: 'pan',
        labels: MAX_LABELS,
        label: LABEL,
        tooltip: (point) => this.#tooltip(point),
        onPick: (point) => this.#open(point, true),
        onView: (points, view) => this.#viewed(points, view),
        onSelect: (points, outline) => this.#select(points, outline),
        onDraw: () => this.#card.moveTo(this.#opened && this.#plot?.place(this.#opened.id), this.#box),
      });
      this.#box.append(this.#card.node);
      this.#plot.onColours = () => this.#attempt(() => this.#recolour());
      this.#stopListening = onMyRatings(() => this.#rated());
      return this.#draw();
    });
    this.#box.removeAttribute('aria-busy');
  }

  close() {
    this.#isClosed = true;
    this.#stopListening?.();
    this.#plot?.close();
  }

  async update(next) {
    const isSame = SHAPE.every((name) => next[name] === this.#current[name]);
    this.#current = next;
    this.#address = location.hash;
    if (isSame) this.#restore(next);
    else await this.#attempt(() => this.#draw());
  }

  /** Run a task; say below the map what went wrong. */
  async #attempt(task) {
    try {
      await task();
      this.#note.replaceChildren();
    } catch (error) {
      this.#note.replaceChildren(errorNote(error));
    }
  }

  /** Change what is drawn, in a new entry of the browser's history. */
  #change(changes) {
    const isMoved = changes.x || changes.y;
    go(addressOf({ ...this.#current, ...(isMoved && { view: null, select: null }), ...changes }));
  }

  /** Keep in the address what is shown, without a new entry. */
  #keep(changes) {
    if (this.#isClosed || location.hash !== this.#address) return; // on the way to another address
    this.#current = { ...this.#current, ...changes };
    history.replaceState(null, '', addressOf(this.#current));
    this.#address = location.hash;
  }

  async #draw() {
    const wanted = this.#current;
    const { x, y } = wanted;
    for (const [name, field] of Object.entries(this.#fields)) field.value = wanted[name];
    const [map, colouring] = await Promise.all([requestCached('map', { x, y }), colouringBy(wanted.colour, this.#summary)]);
    if (this.#isClosed || SHAPE.some((name) => wanted[name] !== this.#current[name])) return;
    this.#points = mapPoints(map);
    const axis = (name, direction) => ({ range: rangeOf(this.#points.map((one) => one[direction]), name === LOGARITHMIC), type: name === LOGARITHMIC ? 'log' : 'linear' });
    this.#axes = { x: axis(x, 'x'), y: axis(y, 'y') };
    this.#frame.replaceChildren(axisLabel('y', ends(y, this.#summary), coordinate(y, this.#summary)), this.#box, axisLabel('x', ends(x, this.#summary), coordinate(x, this.#summary)));
    this.#paint(colouring);
    this.#restore(wanted);
    await this.#placePerson();
  }

  /** Show the points in their colours, with a ring round those that the visitor has rated. */
  #paint(colouring) {
    const mine = myRatings();
    const ring = colour('--ink');
    this.#colouring = colouring;
    for (const point of this.#points) Object.assign(point, colouring.of(point.id), { ring: mine.has(String(point.id)) && ring });
    this.#legend.replaceChildren(...colouring.legend);
    this.#plot.set([...this.#points].reverse(), this.#axes); // the most rated on top
  }

  /** Show the part, the selection and the item that an address names. */
  #restore({ view, select, find }) {
    if (view) this.#plot.show(view);
    else this.#plot.showAll();
    if (select) this.#plot.select(select);
    else if (this.#selected) this.#plot.clearSelection();
    this.#open(this.#find(find));
  }

  async #recolour() {
    const by = this.#current.colour;
    const colouring = await colouringBy(by, this.#summary);
    if (!this.#isClosed && by === this.#current.colour) this.#paint(colouring);
  }

  /** Show what a rating has changed: the ring, where the visitor is, and the expected ratings. */
  #rated() {
    if (this.#current.colour !== MINE) this.#paint(this.#colouring);
    return this.#attempt(() => Promise.all([this.#placePerson(), this.#current.colour === MINE && this.#recolour()]));
  }

  async #placePerson() {
    this.#personLegend.replaceChildren(...personLegend(this.#current));
    const person = await this.#latestPerson((signal) => personOn(this.#current, this.#points, this.#summary, signal));
    if (person !== undefined && !this.#isClosed) this.#plot.markPerson(person);
  }

  #find(id) {
    return id === null ? null : this.#points.find((point) => String(point.id) === String(id));
  }

  /** Open the card of an item and mark its point; null closes it. */
  #open(point, isPicked = false) {
    this.#opened = point ?? null;
    this.#plot.mark(point?.id ?? null);
    this.#keep({ find: point?.id ?? null });
    if (!point) return this.#card.hide();
    return this.#card.show(point, isPicked);
  }

  async #reveal(id) {
    const point = this.#find(id);
    if (!point || !this.#plot) return announce('That item is not on the map');
    if (this.#selected) this.#plot.clearSelection();
    this.#open(point);
    announce(`${point.title} is marked`);
    return this.#plot.zoomTo(point);
  }

  #viewed(points, view) {
    this.#inView = points;
    if (!this.#selected) this.#panel.show(points, false, this.#current);
    this.#keep({ view });
  }

  #select(points, outline) {
    if (!points && !this.#selected) return;
    const byRatings = points?.sort((a, b) => b.ratings - a.ratings) ?? null;
    this.#selected = byRatings;
    this.#keep({ select: outline });
    this.#panel.show(byRatings ?? this.#inView, Boolean(byRatings), this.#current);
    announce(byRatings ? `${plural(byRatings.length, 'title')} selected` : 'Nothing selected');
  }

  #setMode(mode) {
    for (const button of this.#modes) button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
    this.#plot?.setDragMode(mode);
  }

  #tooltip(point) {
    const value = (name, x, lower, upper) => `${coordinate(name, this.#summary).split(':')[0]} ${number(x)}${lower === null ? '' : ` (${between(lower, upper)})`}`;
    const rated = myRatings().get(String(point.id));
    return [
      value(this.#current.x, point.x, point.xLower, point.xUpper), value(this.#current.y, point.y, point.yLower, point.yUpper), plural(point.ratings, 'rating'),
      ...(this.#current.colour === MINE ? [`You are expected to give ${this.#colouring.text(point.id)}`] : []), ...(rated ? [`You rated it ${short(rated)}`] : [])];
  }
}

/** Return the label along one side of the map, with the names of the two ends. */
function axisLabel(side, { low, high }, name) {
  return el('div', { class: `edge ${side}` }, el('span', {}, low), el('strong', {}, name.split(':')[0]), el('span', {}, high));
}

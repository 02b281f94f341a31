import { latestOnly, request } from '../api.js';
import { itemCombobox } from '../combobox.js';
import { announce, button, el, errorNote, preservingFocus, put, renderInto, section } from '../dom.js';
import { hasRatings, number, plural, short } from '../format.js';
import { formatRatings, myPerson, onMyRatings, onScale, rate } from '../my_ratings.js';
import { portrait, recommendations } from '../people.js';
import { ratedList } from '../rate_in_place.js';
import { go, storeTryState } from '../router.js';
import { copyLink, inPlace, listControls, setAside, takeAway } from './try_list.js';
import { itemNames } from './try_names.js';
import { clarity, questionGrid } from './try_questions.js';
import { addressOf, listOptions, stateOf } from './try_state.js';

const RECOMMENDATIONS = 10;

/** The words of the view: in a model without a scale of ratings, people pick items. */
const WORDS = {
  rate: { some: 'Rate these', own: 'Your ratings', one: 'rating', given: 'given', add: 'Add a title', skip: 'Do not know it' },
  pick: { some: 'Pick some', own: 'Your picks', one: 'item', given: 'picked', add: 'Pick a title', skip: 'Skip' },
};

export async function show(route, summary) {
  const view = new TryView(route.params, summary);
  return {
    title: 'Try it',
    lead: view.lead(),
    body: view.body(),
    mounted: () => view.refresh(),
    update: ({ params }) => {
      view.state = stateOf(params, summary);
      return view.refresh();
    },
    close: view.stop,
  };
}

class TryView {
  constructor(params, summary) {
    this.summary = summary;
    this.state = stateOf(params, summary);
    this.isPicking = summary.scale.length === 0;
    this.words = this.isPicking ? WORDS.pick : WORDS.rate;
    this.names = itemNames();
    this.latest = latestOnly();
    this.list = []; // the recommendations that are shown
    this.stop = onMyRatings((ratings) => {
      if (formatRatings(ratings) === formatRatings(this.state.ratings)) return;
      this.go({ ratings, ask: ratings.has(this.state.ask) ? null : this.state.ask });
    });
    this.build();
  }

  /** Make the parts of the page that last as long as the view. */
  build() {
    const { summary, words } = this;
    const without = (ids, id) => [...ids.filter((other) => other !== String(id)), String(id)];
    this.grid = questionGrid(summary, words, {
      onRate: rate,
      onSkip: (id) => this.go({ unseen: without(this.state.unseen, id), ask: String(id) === this.state.ask ? null : this.state.ask }),
    });
    this.actions = inPlace(summary, { onRate: rate, onDismiss: (id) => this.go({ dismissed: without(this.state.dismissed, id) }) });
    this.clarity = clarity(summary);
    this.chart = hasRatings(summary) ? portrait(summary) : null;
    this.controls = listControls(summary, (state, options) => go(addressOf(state), options));
    this.search = itemCombobox({ label: words.add, onPick: (item) => this.add(item) });
    this.boxes = {
      questions: el('div', { 'data-list': 'questions', 'aria-busy': 'true', class: 'questions' }, this.grid.list),
      leftOut: el('div', { 'data-list': 'left-out' }),
      trouble: el('div'),
      unseen: el('div', { 'data-list': 'unseen' }),
      rated: el('div', { 'data-list': 'rated', 'aria-busy': 'true' }),
      recommended: el('div', { 'data-list': 'recommendations', 'aria-busy': 'true', class: 'tall' }),
      dismissed: el('div', { 'data-list': 'dismissed' }),
      portrait: el('div', { 'aria-busy': 'true' }),
    };
    this.heading = el('h2', { id: 'recommended-title', tabindex: -1 }, 'Recommendations');
    const clear = button('Clear', () => this.go({ ratings: new Map(), unseen: [], dismissed: [], ask: null }), { 'data-action': 'clear' });
    this.ownActions = el('p', { class: 'actions' }, copyLink(), clear);
    this.takeAway = takeAway(() => this.described());
    this.best = button('Finding your best match', () => this.heading.scrollIntoView(), { class: null });
    this.strip = el('div', { class: 'best-match', 'aria-busy': 'true' }, this.best, el('span', {}));
  }

  lead() {
    const { summary, isPicking } = this;
    const [lowest, highest] = [summary.scale[0], summary.scale.at(-1)];
    return `${isPicking ? 'Pick a few items' : `Rate a few items from ${short(lowest)} to ${short(highest)}`} and see what the model recommends to you. Your ${isPicking ? 'picks' : 'ratings'} are kept in this tab and in the address of the page; the service does not store them.`;
  }

  body() {
    const { boxes, words, summary } = this;
    const intro = hasRatings(summary) ? this.clarity.node : el('p', { class: 'soft' }, 'Many people picked these. Add others below.');
    return [
      boxes.leftOut,
      el('div', { class: 'split try' },
        el('div', { class: 'stack' },
          section(words.some, 'questions', intro, boxes.trouble, boxes.questions, this.search.node, boxes.unseen),
          section(words.own, 'rated', boxes.rated, this.ownActions),
          this.chart && section('Your taste', 'portrait', boxes.portrait)),
        el('div', { class: 'stack' },
          el('section', { 'aria-labelledby': 'recommended-title', 'data-section': 'recommendations' },
            this.heading, this.controls.node, this.controls.text, boxes.recommended, boxes.dismissed, this.takeAway))),
      this.strip,
    ];
  }

  go(changes) {
    go(addressOf({ ...this.state, ...changes }));
  }

  /** Take up a title that the visitor has found: pick it, or ask for its rating. */
  add(item) {
    this.names.learn([item]);
    if (this.isPicking) return rate(item.id, 1);
    this.isAsked = true;
    return this.go({ ask: String(item.id), unseen: this.state.unseen.filter((id) => id !== String(item.id)) });
  }

  /** Return the ratings that the model can use, by the id of their item: those on its scale, of items that it knows. */
  usable() {
    const found = [...onScale(this.state.ratings, this.summary)].filter(([name]) => !this.names.isUnknown(name));
    return new Map(found.map(([name, value]) => [this.names.get(name)?.id ?? name, value]));
  }

  person() {
    return myPerson(this.summary, this.usable());
  }

  /** Show the state of the address. */
  refresh() {
    return this.latest(async (signal) => {
      const { state, boxes } = this;
      storeTryState(new URL(addressOf({ ...state, ask: null }).slice(1), location.href).searchParams);
      this.controls.set(state);
      for (const box of [boxes.questions, boxes.rated, boxes.recommended, boxes.portrait, this.strip]) box.setAttribute('aria-busy', 'true');
      const names = [...state.ratings.keys(), ...state.unseen, ...state.dismissed, ...(state.ask ? [state.ask] : [])];
      const trouble = await this.names.lookUp(names, signal).then(() => null, (error) => error);
      if (signal.aborted) return;
      await Promise.all([
        this.showOwn(trouble),
        this.showQuestions(signal),
        this.showRecommendations(signal),
        this.chart && this.showPortrait(signal),
      ]);
    });
  }

  /** Return the nodes of a promise, or a note of its error; undefined once another state is shown. */
  settled(signal, promise) {
    return promise.catch(errorNote).then((nodes) => (signal.aborted ? undefined : nodes));
  }

  showOwn(trouble) {
    const { state, boxes, names } = this;
    const named = (ids) => ids.map((id) => names.get(id) ?? { id, item: id });
    const undo = (name) => (id) => this.go({ [name]: state[name].filter((other) => String(names.get(other)?.id ?? other) !== id) });
    const aside = (key, name, ids) => put(boxes[key], setAside(name, named(ids), undo(key)));
    this.ownActions.hidden = !state.ratings.size && !state.unseen.length && !state.dismissed.length;
    return preservingFocus(async () => {
      aside('unseen', 'Skipped', state.unseen);
      aside('dismissed', 'Not interested', state.dismissed);
      put(boxes.leftOut, this.leftOut());
      await renderInto(boxes.rated, Promise.resolve([trouble && errorNote(trouble), this.ratedList(named)]));
    }, () => boxes.rated.querySelector('input, button') ?? this.search.input);
  }

  /** Return a note of the ratings that the model can't use, if there are any. */
  leftOut() {
    const { ratings } = this.state;
    const onTheScale = onScale(ratings, this.summary);
    const unknown = [...ratings.keys()].filter((name) => this.names.isUnknown(name));
    const offScale = [...ratings.keys()].filter((name) => !onTheScale.has(name));
    const notes = [
      unknown.length && `${plural(unknown.length, this.words.one)} left out, because this model does not know ${unknown.length > 1 ? 'these items' : 'this item'}: ${unknown.join(', ')}.`,
      offScale.length && `${plural(offScale.length, 'rating')} left out, because the scale of this model goes from ${short(this.summary.scale[0])} to ${short(this.summary.scale.at(-1))}.`,
    ].filter(Boolean);
    if (!notes.length) return null;
    const kept = new Map([...onTheScale].filter(([name]) => !this.names.isUnknown(name)));
    return el('div', { class: 'note' }, notes.map((text) => el('p', {}, text)), button('Remove from the address', () => this.go({ ratings: kept }), { class: 'link' }));
  }

  /** The ratings of the address, the last one first. */
  ratedList(named) {
    const ids = [...this.state.ratings.keys()].filter((name) => !this.names.isUnknown(name)).reverse();
    if (!ids.length) return el('p', { class: 'soft' }, 'None so far.');
    const items = named(ids);
    const nameOf = (id) => ids[items.findIndex((item) => item.id === id)];
    return ratedList(items, (id) => this.state.ratings.get(nameOf(id)), this.summary, (id, value) => rate(nameOf(id), value));
  }

  /** Return the most informative items; where no expected ratings are known, popular ones. */
  async nextItems(signal) {
    const { summary, state, grid } = this;
    if (hasRatings(summary)) {
      const response = await request('next-questions', { body: { ...this.person(), n: grid.count, exclude: state.unseen }, signal });
      return { found: response.questions.sort((one, other) => other.ratings - one.ratings), response };
    }
    const body = { ...myPerson(summary, new Map()), n: grid.count, exclude: [...state.unseen, ...this.usable().keys()] };
    return { found: (await request('recommendations', { body, signal })).recommendations };
  }

  async showQuestions(signal) {
    const { state, boxes, grid, names } = this;
    const work = this.nextItems(signal).then(({ found, response }) => {
      if (signal.aborted) return [];
      names.learn(found);
      const rated = this.usable();
      const closed = new Set([...[...rated.keys()].map(String), ...state.unseen]);
      const chosen = state.ask && !closed.has(state.ask) ? names.get(state.ask) : null;
      grid.set(found, (id) => !closed.has(id), chosen);
      if (response) this.clarity.set(response, rated.size);
      this.strip.lastChild.textContent = response ? this.clarity.text.textContent : '';
      boxes.questions.removeAttribute('aria-busy');
      if (chosen && this.isAsked) grid.focusFirst();
      this.isAsked = false;
      return [];
    });
    const nodes = await this.settled(signal, work);
    if (nodes) put(boxes.trouble, nodes);
  }

  async showRecommendations(signal) {
    const { summary, boxes } = this;
    const body = { ...this.person(), n: RECOMMENDATIONS, reasons: true, exclude: this.state.dismissed, ...listOptions(this.state, summary) };
    const work = request('recommendations', { body, signal }).then(({ recommendations: found }) => {
      if (signal.aborted) return [];
      this.names.learn(found);
      this.list = found;
      this.showBest(found);
      return recommendations(found, this.person(), summary, { actions: this.actions });
    });
    const nodes = await this.settled(signal, work);
    const rows = () => [...boxes.recommended.querySelectorAll('.recommendations > li')];
    const place = rows().findIndex((row) => row.contains(document.activeElement));
    const kind = document.activeElement.matches('input') ? 'input' : '.in-place > .link:last-child';
    // What was rated or set aside is gone from the list, and the next one is in its place.
    const next = () => (rows()[place] ?? rows().at(-1))?.querySelector(kind);
    await preservingFocus(() => renderInto(boxes.recommended, Promise.resolve(nodes)), place < 0 ? undefined : next);
  }

  showBest(found) {
    const { size } = this.usable();
    const [first] = found;
    this.heading.textContent = size ? 'For you' : 'For the average person, so far';
    this.best.replaceChildren(el('span', {}, size ? 'Best match' : 'Most people’s favourite'), el('strong', {}, first?.item ?? 'none'), first?.prediction != null ? el('span', {}, number(first.prediction, 1)) : '');
    this.strip.removeAttribute('aria-busy');
    announce(`${plural(size, this.words.one)} ${this.words.given}. First recommendation: ${first?.item ?? 'none'}`);
  }

  async showPortrait(signal) {
    const work = request('portraits', { body: this.person(), signal }).then((response) => {
      if (!signal.aborted) this.chart.set(response);
      return this.chart.node;
    });
    await renderInto(this.boxes.portrait, this.settled(signal, work));
  }

  /** Return what is needed to make the list elsewhere. */
  described() {
    const { names, state, summary, isPicking } = this;
    const history = [...this.usable()].map(([id, value]) => ({ id, item: names.get(String(id))?.item, value }));
    const exclude = state.dismissed.filter((id) => !names.isUnknown(id)).map((id) => names.get(id)?.id ?? id);
    return { history, isPicking, n: RECOMMENDATIONS, exclude, options: listOptions(state, summary), found: this.list };
  }
}

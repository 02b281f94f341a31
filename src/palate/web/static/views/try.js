import { itemPath, latestOnly, request, requestCached } from '../api.js';
import { itemCombobox } from '../combobox.js';
import { announce, el, preservingFocus, renderInto, section } from '../dom.js';
import { hasRatings, plural, short, titles } from '../format.js';
import { listSwitch, portrait, rankedBy, recommendations } from '../people.js';
import { ratingControl } from '../rating.js';
import { decoded, go, href, storeTryState } from '../router.js';

const QUESTIONS = 3;
// Popular items that are offered where the model can't choose the most informative ones.
const POPULAR = 6;
const RECOMMENDATIONS = 10;
// Cautious recommendations are ranked by this quantile of the expected rating.
const CAUTIOUS_QUANTILE = 0.1;

/** Return the state of the view from its address, where ratings have the form 100:5,50:4; picks, 100:1. */
function state(params, summary) {
  const list = (name) => (params.get(name) ?? '').split(',').filter(Boolean);
  const pairs = list('r').map((pair) => pair.split(':')).filter(([id, rating]) => id && Number.isFinite(Number(rating ?? NaN)));
  return {
    ratings: new Map(pairs.map(([id, rating]) => [decoded(id), Number(rating)])),
    unseen: list('unseen').map(decoded),
    ask: params.get('ask'),
    by: params.get('by'),
    cautious: summary.sure && params.get('cautious') === '1',
  };
}

function addressOf({ ratings, unseen, ask, cautious, by }) {
  return href(['try'], {
    r: [...ratings].map(([id, rating]) => `${encodeURIComponent(id)}:${rating}`).join(','),
    unseen: unseen.map(encodeURIComponent).join(','),
    ask,
    by,
    cautious: cautious ? '1' : null,
  });
}

/** The words of the view: in a model without a scale of ratings, people pick items. */
const WORDS = {
  rate: { some: 'Rate these', own: 'Your ratings', one: 'rating', given: 'given', add: 'Add a title', skip: 'Have not seen it' },
  pick: { some: 'Pick some', own: 'Your picks', one: 'item', given: 'picked', add: 'Pick a title', skip: 'Skip' },
};

export async function show(route, summary) {
  let current = state(route.params, summary);
  const isPicking = summary.scale.length === 0;
  const words = isPicking ? WORDS.pick : WORDS.rate;
  let isQuestionAnswered = false;
  const chart = hasRatings(summary) ? portrait(summary) : null;
  const rated = el('div', { 'data-list': 'rated' });
  const questions = el('div', { 'data-list': 'questions', 'aria-busy': 'true', class: 'questions' });
  const recommended = el('div', { 'data-list': 'recommendations', 'aria-busy': 'true', class: 'tall' });
  const heading = el('h2', { id: 'recommended-title' });
  const latest = latestOnly();
  let items = new Map();
  const [lowest, highest] = [summary.scale[0], summary.scale.at(-1)];
  const validRatings = () => [...current.ratings].filter(([id, rating]) => items.has(id) && (isPicking || (rating >= lowest && rating <= highest)));
  const describe = (ratings) => (isPicking ? { items: ratings.map(([id]) => id) } : { ratings: ratings.map(([item, rating]) => ({ item, rating })) });
  const person = () => describe(validRatings());

  const rate = (id, rating) => {
    const ratings = new Map(current.ratings).set(String(id), rating);
    const ask = String(id) === current.ask ? null : current.ask;
    isQuestionAnswered = ask !== current.ask || questions.contains(document.activeElement);
    go(addressOf({ ...current, ratings, ask }));
  };
  const unrate = (id) => {
    const ratings = new Map(current.ratings);
    ratings.delete(id);
    go(addressOf({ ...current, ratings }));
  };
  const askAbout = (id) => {
    isQuestionAnswered = true;
    go(addressOf({ ...current, ask: id, unseen: current.unseen.filter((other) => other !== id) }));
  };
  const skip = (id) => {
    isQuestionAnswered = true;
    go(addressOf({ ...current, unseen: [...current.unseen, String(id)], ask: String(id) === current.ask ? null : current.ask }));
  };

  const ratedRow = (title) => ([id, value]) => el('li', { 'data-item': id },
    el('a', { href: href(['item', id]) }, title),
    isPicking ? '' : ratingControl({ title, scale: summary.scale, value, focusKey: `rating ${id}`, onRate: (step) => (step === null ? unrate(id) : rate(id, step)) }),
    el('button', { type: 'button', class: 'link', 'data-focus-key': `remove ${id}`, 'aria-label': `Remove ${title}`, on: { click: () => unrate(id) } }, 'Remove'));
  const showRated = () => {
    const title = titles([...items.values()]);
    const rows = validRatings().map(([id, rating]) => ratedRow(title(items.get(id)))([id, rating]));
    const ignored = current.ratings.size - rows.length;
    return [
      ignored ? el('p', { class: 'note' }, `${plural(ignored, words.one)} in this link ignored: unknown item${isPicking ? '' : ', or rating outside the scale'}.`) : '',
      rows.length ? el('ul', { class: 'rated' }, ...rows.reverse()) : el('p', { class: 'soft' }, 'None so far.'),
    ];
  };

  const question = (title) => (one) => el('li', { 'data-item': one.id },
    el('strong', {}, title(one)),
    el('div', { class: 'answer' },
      isPicking
        ? el('button', { type: 'button', class: 'button quiet', 'aria-label': `Pick ${title(one)}`, on: { click: () => rate(one.id, 1) } }, 'Pick')
        : ratingControl({ title: title(one), scale: summary.scale, onRate: (step) => rate(one.id, step) }),
      el('button', { type: 'button', class: 'link', 'aria-label': `${words.skip}: ${title(one)}`, on: { click: () => skip(one.id) } }, words.skip)));
  /** Return the most informative items; where no expected ratings are known, popular ones. */
  const nextItems = async (signal) => {
    const exclude = current.unseen;
    if (hasRatings(summary)) return (await request('next-questions', { body: { ...person(), n: QUESTIONS, exclude }, signal })).questions;
    const body = { ...describe([]), n: POPULAR, exclude: [...exclude, ...items.keys()] };
    return (await request('recommendations', { body, signal })).recommendations;
  };
  const showQuestions = async (signal) => {
    const [next, chosen] = await Promise.all([
      nextItems(signal),
      current.ask && !current.ratings.has(current.ask) ? requestCached(itemPath(current.ask)) : null,
    ]);
    const shown = [chosen, ...next.filter(({ id }) => id !== chosen?.id)].filter(Boolean).slice(0, hasRatings(summary) ? QUESTIONS : POPULAR);
    return el('ul', {}, ...shown.map(question(titles(shown))));
  };
  const showRecommendations = async (signal) => {
    const body = { ...person(), n: RECOMMENDATIONS, reasons: true, exclude: current.unseen, by: ranking(), ...(current.cautious && { cautious: CAUTIOUS_QUANTILE }) };
    const { recommendations: found } = await request('recommendations', { body, signal });
    announce(`${plural(current.ratings.size, words.one)} ${words.given}. First recommendation: ${found[0]?.item ?? 'none'}`);
    return recommendations(found, person(), summary);
  };

  const refresh = () => latest(async (signal) => {
    storeTryState(new URL(addressOf({ ...current, ask: null }).slice(1), location.href).searchParams);
    heading.textContent = current.ratings.size ? 'For you' : 'For the average person, so far';
    lists.set(ranking());
    toggle.checked = current.cautious;
    saferChoices.hidden = ranking() !== 'rating';
    clear.hidden = copy.hidden = !current.ratings.size && !current.unseen.length;
    const render = (box, work) => renderInto(box, work.then((node) => (signal.aborted ? undefined : node), (error) => (signal.aborted ? undefined : Promise.reject(error))));
    items = await knownItems([...current.ratings.keys()]);
    if (signal.aborted) return;
    await Promise.all([
      preservingFocus(() => rated.replaceChildren(...showRated()), () => rated.querySelector('button') ?? search.input),
      render(questions, showQuestions(signal)).then(() => !signal.aborted && focusNext()),
      render(recommended, showRecommendations(signal)),
      chart && render(portraitError, request('portraits', { body: person(), signal }).then((response) => {
        if (!signal.aborted) chart.set(response);
        return [];
      })),
    ]);
  });
  const portraitError = el('div');
  const focusNext = () => {
    // Not away from where the reader has gone in the meantime.
    if (isQuestionAnswered && document.activeElement === document.body) questions.querySelector('button')?.focus({ preventScroll: true });
    isQuestionAnswered = false;
  };

  const ranking = () => (current.cautious ? 'rating' : rankedBy(current.by, summary));
  const lists = listSwitch(summary, (by) => go(addressOf({ ...current, by, cautious: null })));
  const toggle = el('input', { type: 'checkbox', name: 'cautious', on: { change: () => go(addressOf({ ...current, cautious: toggle.checked })) } });
  const copied = el('span', { class: 'soft', role: 'status' });
  const copy = el('button', { type: 'button', class: 'button quiet', 'data-action': 'copy', on: { click: () => copyLink(copied) } }, 'Copy the link');
  const clear = el('button', { type: 'button', class: 'button quiet', 'data-action': 'clear', on: { click: () => go(addressOf({ ratings: new Map(), unseen: [], by: current.by, cautious: current.cautious })) } }, 'Clear');
  const search = itemCombobox({ label: words.add, onPick: ({ id }) => (isPicking ? rate(id, 1) : askAbout(String(id))) });
  const saferChoices = el('label', { class: 'toggle' }, toggle, el('span', {}, 'Safer choices first'));

  return {
    title: 'Try it',
    lead: `${isPicking ? 'Pick a few items' : `Rate a few items from ${short(lowest)} to ${short(highest)}`} and see what the model recommends to you. Your ${isPicking ? 'picks' : 'ratings'} are kept in this tab and in the address of the page; the service does not store them.`,
    body: [el('div', { class: 'split try' },
      el('div', { class: 'stack' },
        section(words.some, 'questions', el('p', { class: 'soft' }, hasRatings(summary) ? 'Your ratings of these would tell the model the most about your taste.' : 'Many people picked these. Add others below.'), questions, search.node),
        section(words.own, 'rated', rated, el('p', { class: 'actions' }, copy, clear, copied)),
        chart && section('Your taste', 'portrait', chart.node, portraitError)),
      el('div', { class: 'stack' },
        el('section', { 'aria-labelledby': 'recommended-title', 'data-section': 'recommendations' },
          el('div', { class: 'title-row' }, heading, summary.sure && saferChoices), lists.node, lists.text, recommended)))],
    mounted: refresh,
    update: ({ params }) => {
      current = state(params, summary);
      return refresh();
    },
  };
}

/** Return a map from each id to its item, without the ids that the service does not know. */
async function knownItems(ids) {
  const found = await Promise.all(ids.map((id) => requestCached(itemPath(id)).then((item) => [[id, item]], () => [])));
  return new Map(found.flat());
}

async function copyLink(status) {
  try {
    await navigator.clipboard.writeText(location.href);
    status.textContent = 'Copied';
  } catch {
    status.textContent = 'Copy it from the address bar';
  }
}

import { itemPath, latestOnly, request, requestCached } from '../api.js';
import { ratingButtons } from '../charts.js';
import { itemCombobox } from '../combobox.js';
import { announce, el, preservingFocus, renderInto, section } from '../dom.js';
import { plural, short, titles } from '../format.js';
import { portrait, recommendations } from '../people.js';
import { decoded, go, href, storeTryState } from '../router.js';

const QUESTIONS = 3;
const RECOMMENDATIONS = 10;
// Cautious recommendations are ranked by this quantile of the expected rating.
const CAUTIOUS_QUANTILE = 0.1;

/** Return the state of the view from its address, where ratings have the form 100:5,50:4. */
function state(params) {
  const list = (name) => (params.get(name) ?? '').split(',').filter(Boolean);
  const pairs = list('r').map((pair) => pair.split(':')).filter(([id, rating]) => id && Number.isFinite(Number(rating ?? NaN)));
  return {
    ratings: new Map(pairs.map(([id, rating]) => [decoded(id), Number(rating)])),
    unseen: list('unseen').map(decoded),
    ask: params.get('ask'),
    cautious: params.get('cautious') === '1',
  };
}

function addressOf({ ratings, unseen, ask, cautious }) {
  return href(['try'], {
    r: [...ratings].map(([id, rating]) => `${encodeURIComponent(id)}:${rating}`).join(','),
    unseen: unseen.map(encodeURIComponent).join(','),
    ask,
    cautious: cautious ? '1' : null,
  });
}

export async function show(route, summary) {
  let current = state(route.params);
  let isQuestionAnswered = false;
  const chart = portrait(summary);
  const rated = el('div', { 'data-list': 'rated' });
  const questions = el('div', { 'data-list': 'questions', 'aria-busy': 'true', class: 'questions' });
  const recommended = el('div', { 'data-list': 'recommendations', 'aria-busy': 'true', class: 'tall' });
  const heading = el('h2', { id: 'recommended-title' });
  const latest = latestOnly();
  let items = new Map();
  const [lowest, highest] = [summary.scale[0], summary.scale.at(-1)];
  const validRatings = () => [...current.ratings].filter(([id, rating]) => items.has(id) && rating >= lowest && rating <= highest);
  const person = () => ({ ratings: validRatings().map(([item, rating]) => ({ item, rating })) });

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
    ratingButtons({ title, scale: summary.scale, value, focusKey: `rating ${id}`, onRate: (step) => rate(id, step) }),
    el('button', { type: 'button', class: 'link', 'data-focus-key': `remove ${id}`, 'aria-label': `Remove ${title}`, on: { click: () => unrate(id) } }, 'Remove'));
  const showRated = () => {
    const title = titles([...items.values()]);
    const rows = validRatings().map(([id, rating]) => ratedRow(title(items.get(id)))([id, rating]));
    const ignored = current.ratings.size - rows.length;
    return [
      ignored ? el('p', { class: 'note' }, `${plural(ignored, 'rating')} in this link ignored: unknown item, or rating outside the scale.`) : '',
      rows.length ? el('ul', { class: 'rated' }, ...rows.reverse()) : el('p', { class: 'soft' }, 'None so far.'),
    ];
  };

  const question = (title) => (one) => el('li', { 'data-item': one.id },
    el('strong', {}, title(one)),
    el('div', { class: 'answer' },
      ratingButtons({ title: title(one), scale: summary.scale, onRate: (step) => rate(one.id, step) }),
      el('button', { type: 'button', class: 'link', 'aria-label': `Have not seen it: ${title(one)}`, on: { click: () => skip(one.id) } }, 'Have not seen it')));
  const showQuestions = async (signal) => {
    const [next, chosen] = await Promise.all([
      request('next-questions', { body: { ...person(), n: QUESTIONS, exclude: current.unseen }, signal }),
      current.ask && !current.ratings.has(current.ask) ? requestCached(itemPath(current.ask)) : null,
    ]);
    const shown = [chosen, ...next.questions.filter(({ id }) => id !== chosen?.id)].filter(Boolean).slice(0, QUESTIONS);
    return el('ul', {}, ...shown.map(question(titles(shown))));
  };
  const showRecommendations = async (signal) => {
    const body = { ...person(), n: RECOMMENDATIONS, reasons: true, exclude: current.unseen, ...(current.cautious && summary.sure && { cautious: CAUTIOUS_QUANTILE }) };
    const { recommendations: found } = await request('recommendations', { body, signal });
    announce(`${plural(current.ratings.size, 'rating')} given. First recommendation: ${found[0]?.item ?? 'none'}`);
    return recommendations(found, person(), summary);
  };

  const refresh = () => latest(async (signal) => {
    storeTryState(new URL(addressOf({ ...current, ask: null }).slice(1), location.href).searchParams);
    heading.textContent = current.ratings.size ? 'For you' : 'For the average person, so far';
    toggle.checked = current.cautious;
    clear.hidden = copy.hidden = !current.ratings.size && !current.unseen.length;
    const render = (box, work) => renderInto(box, work.then((node) => (signal.aborted ? undefined : node), (error) => (signal.aborted ? undefined : Promise.reject(error))));
    items = await knownItems([...current.ratings.keys()]);
    if (signal.aborted) return;
    await Promise.all([
      preservingFocus(() => rated.replaceChildren(...showRated()), () => rated.querySelector('button') ?? search.input),
      render(questions, showQuestions(signal)).then(() => !signal.aborted && focusNext()),
      render(recommended, showRecommendations(signal)),
      render(portraitError, request('portraits', { body: person(), signal }).then((response) => {
        if (!signal.aborted) chart.set(response);
        return [];
      })),
    ]);
  });
  const portraitError = el('div');
  const focusNext = () => {
    if (isQuestionAnswered) questions.querySelector('button')?.focus({ preventScroll: true });
    isQuestionAnswered = false;
  };

  const toggle = el('input', { type: 'checkbox', name: 'cautious', on: { change: () => go(addressOf({ ...current, cautious: toggle.checked })) } });
  const copied = el('span', { class: 'soft', role: 'status' });
  const copy = el('button', { type: 'button', class: 'button quiet', 'data-action': 'copy', on: { click: () => copyLink(copied) } }, 'Copy the link');
  const clear = el('button', { type: 'button', class: 'button quiet', 'data-action': 'clear', on: { click: () => go(addressOf({ ratings: new Map(), unseen: [], cautious: current.cautious })) } }, 'Clear');
  const search = itemCombobox({ label: 'Add a title', onPick: ({ id }) => askAbout(String(id)) });

  return {
    title: 'Try it',
    lead: `Rate a few items from ${short(lowest)} to ${short(highest)} and see what the model recommends to you. Your ratings are kept in this tab and in the address of the page; the service does not store them.`,
    body: [el('div', { class: 'split try' },
      el('div', { class: 'stack' },
        section('Rate these', 'questions', el('p', { class: 'soft' }, 'Your ratings of these would tell the model the most about your taste.'), questions, search.node),
        section('Your ratings', 'rated', rated, el('p', { class: 'actions' }, copy, clear, copied)),
        section('Your taste', 'portrait', chart.node, portraitError)),
      el('div', { class: 'stack' },
        el('section', { 'aria-labelledby': 'recommended-title', 'data-section': 'recommendations' },
          el('div', { class: 'title-row' }, heading, summary.sure && el('label', { class: 'toggle' }, toggle, el('span', {}, 'Safer choices first'))),
          el('p', { class: 'soft' }, summary.sure ? 'The expected rating, with the 90% interval of the rating you might give.' : 'The expected rating.'), recommended)))],
    mounted: refresh,
    update: ({ params }) => {
      current = state(params);
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

import { ask, askOnce, itemPath, latest } from '../api.js';
import { ratingButtons } from '../charts.js';
import { itemCombobox } from '../combobox.js';
import { el, into, keepingFocus, say, section } from '../dom.js';
import { plural, short, titles } from '../format.js';
import { portrait, recommendations } from '../people.js';
import { decoded, go, href, keepTried } from '../router.js';

const QUESTIONS = 3;
const RECOMMENDED = 10;
const CAUTION = 0.1;

/** Ratings as the address holds them: 100:5,50:4. */
function state(params) {
  const words = (name) => (params.get(name) ?? '').split(',').filter(Boolean);
  const pairs = words('r').map((word) => word.split(':')).filter(([id, rating]) => id && Number.isFinite(Number(rating ?? NaN)));
  return {
    ratings: new Map(pairs.map(([id, rating]) => [decoded(id), Number(rating)])),
    unseen: words('unseen').map(decoded),
    ask: params.get('ask'),
    careful: params.get('surer') === '1',
  };
}

function addressOf({ ratings, unseen, ask: wanted, careful }) {
  return href(['try'], {
    r: [...ratings].map(([id, rating]) => `${encodeURIComponent(id)}:${rating}`).join(','),
    unseen: unseen.map(encodeURIComponent).join(','),
    ask: wanted,
    surer: careful ? '1' : null,
  });
}

export async function show(route, summary) {
  let now = state(route.params);
  let answered = false;
  const picture = portrait(summary);
  const rated = el('div', { 'data-list': 'rated' });
  const questions = el('div', { 'data-list': 'questions', 'aria-busy': 'true', class: 'questions' });
  const list = el('div', { 'data-list': 'recommendations', 'aria-busy': 'true', class: 'tall' });
  const heading = el('h2', { id: 'recommended-title' });
  const only = latest();
  let known = new Map();
  const [lowest, highest] = [summary.scale[0], summary.scale.at(-1)];
  const usable = () => [...now.ratings].filter(([id, rating]) => known.has(id) && rating >= lowest && rating <= highest);
  const person = () => ({ ratings: usable().map(([item, rating]) => ({ item, rating })) });

  const rate = (id, rating) => {
    const ratings = new Map(now.ratings).set(String(id), rating);
    const wanted = String(id) === now.ask ? null : now.ask;
    answered = wanted !== now.ask || questions.contains(document.activeElement);
    go(addressOf({ ...now, ratings, ask: wanted }));
  };
  const unrate = (id) => {
    const ratings = new Map(now.ratings);
    ratings.delete(id);
    go(addressOf({ ...now, ratings }));
  };
  const propose = (id) => {
    answered = true;
    go(addressOf({ ...now, ask: id, unseen: now.unseen.filter((one) => one !== id) }));
  };
  const skip = (id) => {
    answered = true;
    go(addressOf({ ...now, unseen: [...now.unseen, String(id)], ask: String(id) === now.ask ? null : now.ask }));
  };

  const ratedRow = (title) => ([id, value]) => el('li', { 'data-item': id },
    el('a', { href: href(['item', id]) }, title),
    ratingButtons({ title, scale: summary.scale, value, keep: `rating ${id}`, onRate: (step) => rate(id, step) }),
    el('button', { type: 'button', class: 'link', 'data-keep': `remove ${id}`, 'aria-label': `Remove ${title}`, on: { click: () => unrate(id) } }, 'Remove'));
  const showRated = () => {
    const title = titles([...known.values()]);
    const rows = usable().map((one) => ratedRow(title(known.get(one[0])))(one));
    const lost = now.ratings.size - rows.length;
    return [
      lost ? el('p', { class: 'note' }, `${plural(lost, 'rating')} of this link left out: no such item, or off the scale.`) : '',
      rows.length ? el('ul', { class: 'rated' }, ...rows.reverse()) : el('p', { class: 'soft' }, 'None so far.'),
    ];
  };

  const question = (title) => (one) => el('li', { 'data-item': one.id },
    el('strong', {}, title(one)),
    el('div', { class: 'answer' },
      ratingButtons({ title: title(one), scale: summary.scale, onRate: (step) => rate(one.id, step) }),
      el('button', { type: 'button', class: 'link', 'aria-label': `Have not seen it: ${title(one)}`, on: { click: () => skip(one.id) } }, 'Have not seen it')));
  const showQuestions = async (signal) => {
    const [asked, wanted] = await Promise.all([
      ask('next-questions', { body: { ...person(), n: QUESTIONS, exclude: now.unseen }, signal }),
      now.ask && !now.ratings.has(now.ask) ? askOnce(itemPath(now.ask)) : null,
    ]);
    const some = [wanted, ...asked.questions.filter(({ id }) => id !== wanted?.id)].filter(Boolean).slice(0, QUESTIONS);
    return el('ul', {}, ...some.map(question(titles(some))));
  };
  const showRecommendations = async (signal) => {
    const body = { ...person(), n: RECOMMENDED, reasons: true, exclude: now.unseen, ...(now.careful && summary.sure && { cautious: CAUTION }) };
    const { recommendations: found } = await ask('recommendations', { body, signal });
    say(`${plural(now.ratings.size, 'rating')} given. First recommendation: ${found[0]?.item ?? 'none'}`);
    return recommendations(found, person(), summary);
  };

  const refresh = () => only(async (signal) => {
    keepTried(new URL(addressOf({ ...now, ask: null }).slice(1), location.href).searchParams);
    heading.textContent = now.ratings.size ? 'For you' : 'For anybody, so far';
    toggle.checked = now.careful;
    clear.hidden = copy.hidden = !now.ratings.size && !now.unseen.length;
    const keep = (box, work) => into(box, work.then((node) => (signal.aborted ? undefined : node), (error) => (signal.aborted ? undefined : Promise.reject(error))));
    known = await named([...now.ratings.keys()]);
    if (signal.aborted) return;
    await Promise.all([
      keepingFocus(() => rated.replaceChildren(...showRated()), () => rated.querySelector('button') ?? search.input),
      keep(questions, showQuestions(signal)).then(() => !signal.aborted && focusNext()),
      keep(list, showRecommendations(signal)),
      keep(failed, ask('portraits', { body: person(), signal }).then((told) => {
        if (!signal.aborted) picture.set(told);
        return [];
      })),
    ]);
  });
  const failed = el('div');
  const focusNext = () => {
    if (answered) questions.querySelector('button')?.focus({ preventScroll: true });
    answered = false;
  };

  const toggle = el('input', { type: 'checkbox', name: 'surer', on: { change: () => go(addressOf({ ...now, careful: toggle.checked })) } });
  const copied = el('span', { class: 'soft', role: 'status' });
  const copy = el('button', { type: 'button', class: 'button quiet', 'data-action': 'copy', on: { click: () => copyLink(copied) } }, 'Copy the link');
  const clear = el('button', { type: 'button', class: 'button quiet', 'data-action': 'clear', on: { click: () => go(addressOf({ ratings: new Map(), unseen: [], careful: now.careful })) } }, 'Clear');
  const search = itemCombobox({ label: 'Add a title', onPick: ({ id }) => propose(String(id)) });

  return {
    title: 'Try it',
    lead: `Rate a few items from ${short(lowest)} to ${short(highest)} and see what the model makes of you. Your ratings are in the address of this page and nowhere else.`,
    body: [el('div', { class: 'split try' },
      el('div', { class: 'stack' },
        section('Rate these', 'questions', el('p', { class: 'soft' }, 'Your answers to these would tell the model most of your tastes.'), questions, search.node),
        section('Your ratings', 'rated', rated, el('p', { class: 'actions' }, copy, clear, copied)),
        section('Your tastes', 'portrait', picture.node, failed)),
      el('div', { class: 'stack' },
        el('section', { 'aria-labelledby': 'recommended-title', 'data-section': 'recommendations' },
          el('div', { class: 'title-row' }, heading, summary.sure && el('label', { class: 'toggle' }, toggle, el('span', {}, 'Surer things first'))),
          el('p', { class: 'soft' }, summary.sure ? 'The expected rating, and the 90% interval of what you might give.' : 'The expected rating.'), list)))],
    mounted: refresh,
    update: ({ params }) => {
      now = state(params);
      return refresh();
    },
  };
}

/** The items of these ids, without those that the service does not know. */
async function named(ids) {
  const found = await Promise.all(ids.map((id) => askOnce(itemPath(id)).then((item) => [[id, item]], () => [])));
  return new Map(found.flat());
}

async function copyLink(told) {
  try {
    await navigator.clipboard.writeText(location.href);
    told.textContent = 'Copied';
  } catch {
    told.textContent = 'Copy it from the address bar';
  }
}

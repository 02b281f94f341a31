import { request } from '../api.js';
import { axisLine, bars, lines, scrolling } from '../charts.js';
import { el, renderInto, section } from '../dom.js';
import { PICKS_ONLY, count, followers, hasRatings, number, percent, plural, scoreName, short, solverName, titles } from '../format.js';
import { href } from '../router.js';

const SERIES = {
  noise_sd: 'Noise, standard deviation',
  train_rmse: 'RMSE on the training ratings',
  valid_rmse: 'RMSE on held-out ratings',
  train_loss: 'Training loss',
  valid_loss: 'Validation loss',
};
const COLUMNS = { ndcg_10: 'NDCG of the virtual hold-out' };
// A shorter history is also shown as a table.
const MAX_TABLE_STEPS = 12;
const POLL_MS = 1000;
const MAX_CONTRASTED = 5;

export async function show(_, summary) {
  const scores = el('div', { class: 'scores' });
  const liked = el('div', { class: 'liked columns' });
  const contrasted = el('div', { class: 'liked columns' });
  let isOpen = true;
  return {
    title: 'Overview',
    heading: hasRatings(summary) ? `What ${people(summary)} think of ${count(summary.items)} items` : `What ${people(summary)} pick from ${count(summary.items)} items`,
    lead: lead(summary),
    body: [
      facts(summary),
      ...(hasRatings(summary) ? [
        section('What people like, whatever their taste', 'liked', el('p', {}, BIAS), liked, summary.sure && el('p', { class: 'soft' }, 'In cautious order: by the bound of the 90% interval that is nearest to zero.')),
        section('Picked often, picked rarely', 'popularity', el('p', {}, POPULARITY), contrasted),
        section('How tastes differ', 'axes', el('p', {}, AXES), ...summary.axes.slice(0, 3).map((axis) => axisCard(axis))),
      ] : [section('What most people pick', 'liked', el('p', { class: 'note' }, PICKS_ONLY), liked)]),
      section(hasRatings(summary) ? 'How well it predicts' : 'How good its lists are', 'evaluation', scores),
      section('How it was fitted', 'fit', ...fit(summary)),
    ],
    mounted: () => {
      renderInto(liked, hasRatings(summary) ? mostLiked(summary) : mostPicked());
      if (hasRatings(summary)) renderInto(contrasted, popularity(summary));
      renderInto(scores, evaluation(scores, () => isOpen));
    },
    close: () => {
      isOpen = false;
    },
  };
}

const BIAS =
  'The bias of an item is how much higher it is rated than average, after allowing for the tastes and rating habits of the people who rated it. An item with a high bias is liked even by people who do not usually like its kind.';
const POPULARITY =
  'How often an item is picked is another matter than how it is liked. Each item is compared with others that are liked as well: the number says how many times as often as those it is picked.';
const AXES =
  'The model places people and items on axes of taste. An item at one end is rated higher by people on the same side and lower by those on the other. The model learned the axes from the ratings alone; they are named after what the items at their ends have in common.';

const people = ({ users }) => (users ? `${count(users)} people` : 'people');

function lead(summary) {
  if (!hasRatings(summary)) return `Palate read ${summary.ratings ? count(summary.ratings) : ''} ${summary.kind} and learned which items are picked by the same people. Browse the items, or pick a few and see what it recommends to you.`;
  const learned = summary.lists_by.includes('choice')
    ? 'three things about every item: how much people like it in general, what kind of people like it most, and what else they pick.'
    : 'two things about every item: how much people like it in general, and what kind of people like it most.';
  return `Palate read ${summary.ratings ? `${count(summary.ratings)} ratings` : 'ratings'} and learned ${learned} Browse the results, or rate a few items and see what it recommends to you.`;
}

function facts(summary) {
  const fact = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
  return el(
    'div',
    { class: 'hero' },
    el('p', { class: 'actions' },
      el('a', { class: 'button', href: '#/try' }, 'Try it on yourself'),
      el('a', { class: 'button quiet', href: '#/items' }, 'Browse the items')),
    el('dl', { class: 'counts', 'data-section': 'counts' },
      summary.ratings && fact(summary.kind, count(summary.ratings)),
      fact('Items', count(summary.items)),
      summary.users && fact('People', count(summary.users)),
      summary.scale.length > 0 && fact('Scale', `${short(summary.scale[0])} to ${short(summary.scale.at(-1))}`)),
    el('p', { class: 'source' }, `Source: ${summary.source}`),
  );
}

async function mostLiked({ sure }) {
  const query = (sort, descending) => ({ sort, descending, size: 5 });
  const [high, low] = await Promise.all([
    request('items', { query: query(sure ? 'lower' : 'bias', true) }),
    request('items', { query: query(sure ? 'upper' : 'bias', false) }),
  ]);
  const ranking = (heading, { items }, params) => {
    const title = titles(items);
    const row = (one) => el('li', {}, el('a', { href: href(['item', one.id]) }, title(one)), el('span', {}, number(one.bias)));
    return el('div', {},
      el('h3', {}, heading),
      el('ol', { class: 'ranking' }, ...items.map(row)),
      el('p', {}, el('a', { href: href(['items'], params), 'aria-label': `See all, ${heading.toLowerCase()} first` }, 'See all')));
  };
  return [
    ranking('Highest bias', high, { sort: sure ? 'lower' : 'bias' }),
    ranking('Lowest bias', low, { sort: sure ? 'upper' : 'bias', descending: false }),
  ];
}

/** Return what is picked often but liked little, and rarely but well liked. */
async function popularity({ sure }) {
  const { often, rarely, min_ratings: least } = await request('popularity');
  const ranking = (heading, items) => {
    const title = titles(items);
    const row = (one) => el('li', {}, el('a', { href: href(['item', one.id]) }, title(one)), el('span', {}, `${number(one.beyond_taste)} times`));
    return el('div', {},
      el('h3', {}, heading),
      items.length ? el('ol', { class: 'ranking' }, ...items.slice(0, MAX_CONTRASTED).map(row)) : el('p', { class: 'soft' }, `Of the items with at least ${plural(least, 'rating')} none is${sure ? ' certain to be' : ''} so.`));
  };
  return [ranking('Picked often, liked little', often), ranking('Picked rarely, well liked', rarely)];
}

async function mostPicked() {
  const { items } = await request('items', { query: { sort: 'ratings', size: 10 } });
  const title = titles(items);
  const row = (one) => el('li', {}, el('a', { href: href(['item', one.id]) }, title(one)), el('span', {}, followers(one)));
  return el('div', {}, el('ol', { class: 'ranking' }, ...items.map(row)),
    el('p', {}, el('a', { href: '#/items', 'aria-label': 'See all items, the most picked first' }, 'See all')));
}

function axisCard(axis) {
  const all = [...axis.low, ...axis.high];
  const title = titles(all);
  const max = Math.max(...all.map(({ position }) => Math.abs(position)));
  const side = (heading, exemplars) =>
    el('div', {},
      el('h4', {}, heading),
      el('ul', {}, ...exemplars.slice(0, 5).map((one) => el('li', {}, el('a', { href: href(['item', one.id]) }, title(one))))));
  const line = axisLine({ title: '', low: '', high: '', from: -max, to: max }).node.querySelector('.track');
  line.replaceChildren(...all.map(({ position }) => el('b', { style: { left: `${50 + (50 * position) / max}%` } })));
  return el('article', { class: 'card axis-card', 'data-axis': axis.axis },
    el('h3', {}, `Axis ${axis.axis}`, el('small', {}, `${percent(axis.share)} of what all axes explain`)),
    line,
    el('div', { class: 'columns' }, side(axis.low_end, axis.low), side(axis.high_end, axis.high)));
}

function evaluating() {
  return el('p', { class: 'soft', role: 'status' }, 'Evaluating: the model is being refitted with a fifth of its data held out.');
}

/** Return the charts of the evaluation; until somebody has asked for it, a button that does. */
async function evaluation(box, isOpen, asked) {
  for (;;) {
    const result = await (asked ?? request('evaluation'));
    asked = null;
    if (result.why_not) return el('p', { class: 'note' }, `Not evaluated: ${result.why_not}.`);
    if (result.scores) return scoreCharts(result);
    if (!result.running) return evaluateButton(() => renderInto(box, evaluation(box, isOpen, request('evaluation', { body: {} }))));
    box.replaceChildren(evaluating());
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (!isOpen()) return undefined;
  }
}

function evaluateButton(start) {
  return [
    el('p', {}, 'To measure it, the model is refitted with a fifth of its data held out. This takes about as long as the fit.'),
    el('p', { class: 'actions' }, el('button', { type: 'button', class: 'button quiet', 'data-action': 'evaluate', on: { click: start } }, 'Evaluate')),
  ];
}

const MEASURES = [
  { key: 'rmse', title: 'RMSE', text: 'Root mean squared error of a predicted rating. Lower is better.', digits: 2 },
  { key: 'mae', title: 'MAE', text: 'Mean absolute error of a predicted rating. Lower is better.', digits: 2 },
  { key: 'ndcg', title: 'NDCG', text: 'How near the top of a list of recommendations the liked items come. Higher is better. People often rate popular items next, so popularity is a strong baseline here.', digits: 2 },
];

function scoreCharts({ scores, split, sentence }) {
  const chart = ({ key, title, text, digits }) => {
    // The expected ratings are the same, whatever the lists of this model are ranked by.
    const rows = scores.filter((one) => one[key] !== null && (key === 'ndcg' || one.ours || !one.part));
    if (!rows.length) return '';
    const scored = rows.map((one) => ({ name: scoreName(one), value: one[key], ours: one.ours, digits }));
    return el('div', { 'data-measure': key }, el('h3', {}, title), el('p', { class: 'soft' }, text), bars(scored, `${title} of the model and the baselines`));
  };
  return [el('div', { class: 'columns three' }, ...MEASURES.map(chart)), el('p', { class: 'soft' }, `Measured on ${split}.${sentence ? ` In short: ${sentence}` : ''}`)];
}

function fit({ solver, settings, choice_settings: chosen, history, noise_sd, sure }) {
  const plain = (settings) => Object.entries(settings).map(([name, value]) => [name.replaceAll('_', ' '), [value].flat().join(' to ')]);
  const facts = [
    ['Solver', solverName(solver)],
    ...plain(settings),
    noise_sd !== null && ['noise', `${number(noise_sd)}, the standard deviation of a rating around the expected one`],
    ...plain(chosen ?? {}).map(([name, value]) => [`${name}, chosen by the fit of the choice model`, value]),
  ].filter(Boolean);
  return [
    el('p', {}, fitSentence(solver, sure), chosen && solver !== 'choice' && ' Beside it, the choice model learned which items are picked by the same people.'),
    history.length > 1 && historyChart(history, settings),
    history.length > 0 && history.length <= MAX_TABLE_STEPS && historyTable(history),
    el('details', {}, el('summary', {}, 'Settings'),
      el('dl', { class: 'settings' }, ...facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, String(value)))))),
  ].filter(Boolean);
}

function fitSentence(solver, sure) {
  if (solver === 'choice') return 'What the model needs to know besides the histories, such as how strongly to generalise, was chosen by taking a part of some histories out of the model and measuring how well its lists find it again. This needs no second fit.';
  const intro = `The model was fitted by ${solverName(solver)}. `;
  return intro + (sure
    ? 'In each sweep it draws a sample of the whole model. The values shown are means over these samples, and the spread of the samples gives the 90% intervals. The first sweeps (shaded) are discarded as burn-in.'
    : 'It gives point estimates, without intervals. The loss should fall from epoch to epoch.');
}

function historyChart(history, { burn_in: burnIn = 0 }) {
  const step = Object.keys(history[0])[0];
  const keys = Object.keys(history[0]).filter((key) => key !== step && key !== 'seconds');
  if (keys.includes('ndcg_10')) return null; // settings that were tried: the table shows them
  const series = keys
    .map((key) => ({ name: SERIES[key] ?? key, values: history.map((row) => row[key]) }))
    .filter(({ values }) => values.every((v) => typeof v === 'number'));
  if (!series.length) return null;
  const changes = series.map(({ name, values }) => `${name}: from ${number(values[0])} to ${number(values.at(-1))}`);
  return el('figure', { class: 'history' }, lines({
    steps: history.map((row) => row[step]),
    series,
    step: step.charAt(0).toUpperCase() + step.slice(1),
    shadeTo: burnIn,
    label: `The fit over ${history.length} steps. ${changes.join('. ')}`,
  }));
}

function historyTable(history) {
  const keys = Object.keys(history[0]).filter((key) => history.some((row) => row[key] !== null));
  const [step] = keys;
  const value = (key, x) => (key === step ? x + 1 : typeof x === 'number' ? number(x, key === 'ndcg_10' ? 3 : 2) : 'none');
  return scrolling('Steps of the fit', el('table', { class: 'numbers' },
    el('thead', {}, el('tr', {}, ...keys.map((key) => el('th', { scope: 'col' }, COLUMNS[key] ?? key.replaceAll('_', ' '))))),
    el('tbody', {}, ...history.map((row) => el('tr', {}, ...keys.map((key) => el('td', {}, value(key, row[key]))))))));
}

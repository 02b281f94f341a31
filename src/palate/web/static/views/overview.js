import { ask } from '../api.js';
import { axisLine, bars, lines, scrolling } from '../charts.js';
import { el, into, section } from '../dom.js';
import { count, number, percent, scoreName, short, solverName, titles } from '../format.js';
import { href } from '../router.js';

const SERIES = {
  noise_sd: 'Noise, standard deviation',
  train_rmse: 'RMSE on the training ratings',
  valid_rmse: 'RMSE on ratings held back',
  train_loss: 'Training loss',
  valid_loss: 'Validation loss',
};
const FEW_STEPS = 12;
const POLL = 1000;

export async function show(_, summary) {
  const scores = el('div', { class: 'scores', 'aria-busy': 'true' }, waiting());
  const liked = el('div', { class: 'liked columns' });
  let open = true;
  return {
    title: 'Overview',
    heading: `What ${summary.users ? `${count(summary.users)} people` : 'people'} think of ${count(summary.items)} items`,
    lead: lead(summary),
    body: [
      facts(summary),
      section('What is liked, whatever one’s taste', 'liked', el('p', {}, BIAS), liked, summary.sure && el('p', { class: 'soft' }, 'In cautious order, by the near end of the 90% interval.')),
      section('What tastes differ by', 'axes', el('p', {}, AXES), ...summary.axes.slice(0, 3).map((axis) => axisCard(axis))),
      section('How well it predicts', 'evaluation', scores),
      section('How it was fitted', 'fit', ...fit(summary)),
    ],
    mounted: () => {
      into(liked, mostLiked(summary));
      into(scores, measured(() => open));
    },
    close: () => {
      open = false;
    },
  };
}

const BIAS =
  'The bias of an item is how much higher it is rated than the average, once the tastes and habits of those who rated it are accounted for. An item with a high bias is liked even by people who do not care for its kind.';
const AXES =
  'The model places people and items on axes of taste. An item at one end is rated higher by people on the same side and lower by those on the other. The model found the axes in the ratings alone; their names are read off what lies at the ends.';

function lead(summary) {
  return `Palate read ${summary.ratings ? `${count(summary.ratings)} ratings` : 'ratings'} and learned two things of every item: how much it is liked by anybody, and by whom in particular. Browse what it found, or rate a few items and see what it makes of you.`;
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
      summary.ratings && fact('Ratings', count(summary.ratings)),
      fact('Items', count(summary.items)),
      summary.users && fact('People', count(summary.users)),
      fact('Scale', `${short(summary.scale[0])} to ${short(summary.scale.at(-1))}`)),
    el('p', { class: 'source' }, `Source: ${summary.source}`),
  );
}

async function mostLiked({ sure }) {
  const query = (sort, descending) => ({ sort, descending, size: 5 });
  const [high, low] = await Promise.all([
    ask('items', { query: query(sure ? 'lower' : 'bias', true) }),
    ask('items', { query: query(sure ? 'upper' : 'bias', false) }),
  ]);
  const list = (heading, { items }, params) => {
    const title = titles(items);
    const row = (one) => el('li', {}, el('a', { href: href(['item', one.id]) }, title(one)), el('span', {}, number(one.bias)));
    return el('div', {},
      el('h3', {}, heading),
      el('ol', { class: 'ranking' }, ...items.map(row)),
      el('p', {}, el('a', { href: href(['items'], params), 'aria-label': `See them all, ${heading.toLowerCase()} first` }, 'See them all')));
  };
  return [
    list('Highest bias', high, { sort: sure ? 'lower' : 'bias' }),
    list('Lowest bias', low, { sort: sure ? 'upper' : 'bias', descending: false }),
  ];
}

function axisCard(axis) {
  const all = [...axis.low, ...axis.high];
  const title = titles(all);
  const most = Math.max(...all.map(({ position }) => Math.abs(position)));
  const side = (heading, some) =>
    el('div', {},
      el('h4', {}, heading),
      el('ul', {}, ...some.slice(0, 5).map((one) => el('li', {}, el('a', { href: href(['item', one.id]) }, title(one))))));
  const line = axisLine({ title: '', low: '', high: '', from: -most, to: most }).node.querySelector('.track');
  line.replaceChildren(...all.map(({ position }) => el('b', { style: { left: `${50 + (50 * position) / most}%` } })));
  return el('article', { class: 'card axis-card', 'data-axis': axis.axis },
    el('h3', {}, `Axis ${axis.axis}`, el('small', {}, `${percent(axis.share)} of what all axes explain`)),
    line,
    el('div', { class: 'columns' }, side(axis.low_end, axis.low), side(axis.high_end, axis.high)));
}

function waiting() {
  return el('p', { class: 'soft', role: 'status' }, 'Being measured: the model is fitted anew with a fifth of the ratings held back.');
}

async function measured(open) {
  for (;;) {
    const told = await ask('evaluation');
    if (told.why_not) return el('p', { class: 'note' }, `Not measured: ${told.why_not}.`);
    if (told.scores) return scoreCharts(told);
    await new Promise((done) => setTimeout(done, POLL));
    if (!open()) return undefined;
  }
}

const MEASURES = [
  { key: 'rmse', title: 'RMSE', text: 'Root mean squared error of a predicted rating. Lower is better.', digits: 2 },
  { key: 'mae', title: 'MAE', text: 'Mean absolute error of a predicted rating. Lower is better.', digits: 2 },
  { key: 'ndcg', title: 'NDCG', text: 'How near the top of a list of recommendations the liked items come. Higher is better. What people rate next is often what most rate, so that the most rated come first here.', digits: 2 },
];

function scoreCharts({ scores, split }) {
  const chart = ({ key, title, text, digits }) => {
    const rows = scores.filter((one) => one[key] !== null);
    const made = rows.map((one) => ({ name: scoreName(one), value: one[key], ours: one.ours, digits }));
    return el('div', { 'data-measure': key }, el('h3', {}, title), el('p', { class: 'soft' }, text), made.length > 0 && bars(made, `${title} of the model and the baselines`));
  };
  return [el('div', { class: 'columns three' }, ...MEASURES.map(chart)), el('p', { class: 'soft' }, `Measured on ${split}.`)];
}

function fit({ solver, settings, history, noise_sd, sure }) {
  const facts = [
    ['Solver', solverName(solver)],
    ...Object.entries(settings).map(([name, value]) => [name.replaceAll('_', ' '), [value].flat().join(' to ')]),
    ['noise', `${number(noise_sd)}, the standard deviation of a rating about what is expected`],
  ];
  return [
    el('p', {}, fitSentence(solver, sure)),
    history.length > 1 && historyChart(history, settings),
    history.length > 0 && history.length <= FEW_STEPS && historyTable(history),
    el('details', {}, el('summary', {}, 'Settings'),
      el('dl', { class: 'settings' }, ...facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, String(value)))))),
  ].filter(Boolean);
}

function fitSentence(solver, sure) {
  const how = `The model was fitted by ${solverName(solver)}. `;
  return how + (sure
    ? 'It draws the whole model again and again, in sweeps; what is shown is the mean of the draws, and how far they differ gives the 90% intervals. The first sweeps, shaded, are left out.'
    : 'It gives one best guess of every number, without intervals. The loss should fall from epoch to epoch.');
}

function historyChart(history, { burn_in: burnIn = 0 }) {
  const step = Object.keys(history[0])[0];
  const keys = Object.keys(history[0]).filter((key) => key !== step && key !== 'seconds');
  const series = keys
    .map((key) => ({ name: SERIES[key] ?? key, values: history.map((row) => row[key]) }))
    .filter(({ values }) => values.every((v) => typeof v === 'number'));
  if (!series.length) return null;
  const told = series.map(({ name, values }) => `${name}: from ${number(values[0])} to ${number(values.at(-1))}`);
  return el('figure', { class: 'history' }, lines({
    steps: history.map((row) => row[step]),
    series,
    step: step.charAt(0).toUpperCase() + step.slice(1),
    shadeTo: burnIn,
    label: `The fit over ${history.length} steps. ${told.join('. ')}`,
  }));
}

function historyTable(history) {
  const keys = Object.keys(history[0]).filter((key) => history.some((row) => row[key] !== null));
  const value = (key, x) => (key === 'epoch' || key === 'sweep' ? x + 1 : typeof x === 'number' ? number(x) : 'none');
  return scrolling('Epochs of the fit', el('table', { class: 'numbers' },
    el('thead', {}, el('tr', {}, ...keys.map((key) => el('th', { scope: 'col' }, key.replaceAll('_', ' '))))),
    el('tbody', {}, ...history.map((row) => el('tr', {}, ...keys.map((key) => el('td', {}, value(key, row[key]))))))));
}

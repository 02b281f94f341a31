import { lines } from '../charts.js';
import { el } from '../dom.js';
import { capitalized, number, solverName } from '../format.js';
import { table } from '../table.js';

const SERIES = {
  train_rmse: 'Typical error (RMSE) on the ratings it learned from',
  valid_rmse: 'Typical error (RMSE) on held-out ratings',
  train_loss: 'Training loss',
  valid_loss: 'Validation loss',
};
const COLUMNS = { ndcg_10: 'How well its lists found what was taken out (NDCG)' };
// A shorter history is also shown as a table.
const MAX_TABLE_STEPS = 12;

/** How the model was fitted: in words, as a chart, and with all settings. */
export function fit({ solver, settings, choice_settings: chosen, history, noise_sd, sure }) {
  const plain = (settings) => Object.entries(settings).map(([name, value]) => [name.replaceAll('_', ' '), [value].flat().join(' to ')]);
  const facts = [
    ['Solver', solverName(solver)],
    ...plain(settings),
    noise_sd !== null && ['A rating typically lies from the expected one', number(noise_sd)],
    ...plain(chosen ?? {}).map(([name, value]) => [`${name}, chosen by the fit of the choice model`, value]),
  ].filter(Boolean);
  return [el('details', {}, el('summary', {}, 'Solver, settings and the course of the fit'),
    el('p', {}, fitSentence(solver, sure), chosen && solver !== 'choice' && ' Beside it, the choice model learned which items are picked by the same people.'),
    history.length > 1 && historyChart(history, settings),
    history.length > 0 && history.length <= MAX_TABLE_STEPS && historyTable(history),
    el('dl', { class: 'settings' }, ...facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, String(value))))),
  )];
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
  // The noise is the sampler's, whose draws follow the ratings more closely than the model that is made of them.
  const keys = Object.keys(history[0]).filter((key) => ![step, 'seconds', 'noise_sd'].includes(key));
  if (keys.includes('ndcg_10')) return null; // settings that were tried: the table shows them
  const series = keys
    .map((key) => ({ name: SERIES[key] ?? key, values: history.map((row) => row[key]) }))
    .filter(({ values }) => values.every((v) => typeof v === 'number'));
  if (!series.length) return null;
  const changes = series.map(({ name, values }) => `${name}: from ${number(values[0])} to ${number(values.at(-1))}`);
  return el('figure', { class: 'history' }, lines({
    steps: history.map((row) => row[step]),
    series,
    step: capitalized(step),
    shadeTo: burnIn,
    label: `The fit over ${history.length} steps. ${changes.join('. ')}`,
  }));
}

function historyTable(history) {
  const keys = Object.keys(history[0]).filter((key) => history.some((row) => row[key] !== null));
  const [step] = keys;
  const value = (key, x) => (key === step ? x + 1 : typeof x === 'number' ? number(x, key === 'ndcg_10' ? 3 : 2) : 'none');
  const columns = keys.map((key) => ({ name: COLUMNS[key] ?? key.replaceAll('_', ' '), cell: (row) => value(key, row[key]) }));
  return table({ label: 'Steps of the fit', columns, rows: history, rowAttributes: () => ({}) });
}

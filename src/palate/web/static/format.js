const MINUS = '−';

export const number = (x, digits = 2) =>
  x === null || x === undefined ? 'unknown' : x.toFixed(digits).replace('-', MINUS);

export const signed = (x) => (Math.abs(x) < 0.005 ? '0.00' : x < 0 ? number(x) : `+${number(x)}`);

export const count = (n) => n.toLocaleString('en');

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}%`;

/** How many training ratings an item has; in a model without ratings, how many people picked it. */
export const followers = ({ ratings, mean }) =>
  mean === null ? plural(ratings, 'person', 'people') : plural(ratings, 'rating');

/** Whether the model knows how people like items, not only what they pick. */
export const hasRatings = ({ lists_by: listsBy }) => listsBy.includes('rating');

/** How large a person's history is, with the mean rating where there are ratings. */
export const historyText = ({ ratings, mean }) =>
  mean === null ? plural(ratings, 'item') : `${plural(ratings, 'rating')}, ${number(mean)} on average`;

export const PICKS_ONLY =
  'This model knows what people pick, not how they like it: it has no expected ratings, biases, axes of taste or map, and does not compare how often items are picked with how they are liked. All of this needs a table of ratings.';

export const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A rating with as few decimals as it needs: 5, or 3.5. */
export const short = (x) => String(Math.round(100 * x) / 100).replace('-', MINUS);

export const between = (lower, upper) => `${number(lower)} to ${number(upper)}`;

/** Replace the hyphens that the service writes for minus signs in its sentences. */
export const typeset = (text) => text.replace(/\(-(?=\d)/g, `(${MINUS}`);

export function ordinal(n) {
  const tens = n % 100;
  const end = tens > 10 && tens < 14 ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[n % 10] ?? 'th');
  return `${count(n)}${end}`;
}

const SOLVERS = { gibbs: 'Gibbs sampling', 'one-cycle': 'one-cycle training', choice: 'the choice model' };
export const solverName = (name) => SOLVERS[name] ?? name;

const BASELINES = {
  'global-mean': 'The mean of all ratings',
  'damped-means': 'Means of items and users',
  popularity: 'Popularity',
  'item-neighbours': 'Neighbours of items',
};
// The lists of this model by one question alone.
const PARTS = { choice: 'This model, by what people pick alone', rating: 'This model, by expected rating alone' };
export const scoreName = ({ name, ours, part }) =>
  ours ? 'This model' : (PARTS[part] ?? BASELINES[name] ?? name);

/** Return the display name of a coordinate of the map. */
export function coordinate(name, summary) {
  const [kind, index] = name.split(' ');
  if (kind === 'axis' && index) {
    const { low, high } = ends(name, summary);
    return `Axis ${index}: ${low} to ${high}`;
  }
  if (kind === 'component' && index) return `Principal component ${index} of the factors`;
  const names = { bias: 'Bias', mean: 'Mean rating', ratings: 'Number of ratings' };
  return names[name] ?? capitalized(name);
}

/** Return the names of the two ends of a coordinate. */
export function ends(name, summary) {
  const axis = summary.axes.find((candidate) => `axis ${candidate.axis}` === name);
  return axis ? { low: axis.low_end, high: axis.high_end } : { low: 'lower', high: 'higher' };
}

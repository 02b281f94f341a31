import { requestCached } from '../api.js';
import { el, section } from '../dom.js';
import { count, plural, solverName } from '../format.js';
import { href } from '../router.js';
import { alikeness, accuracy, biases } from './compare_models.js';
import { listsOfOne } from './compare_lists.js';

const PAIRS = { items: () => import('./compare_items.js'), people: () => import('./compare_people.js') };

/** Two models beside each other; below other addresses, two items or two people. */
export async function show(route, summary) {
  if (Object.hasOwn(PAIRS, route.id)) return (await PAIRS[route.id]()).show(route, summary);
  if (!summary.compared) return single(summary);
  const compared = await requestCached('compare');
  const lists = listsOfOne(compared, { ...summary, sure: false });
  const [overlap, differences, scores] = [alikeness(compared), biases(compared), accuracy(compared)];
  return {
    title: 'Compare',
    heading: `${compared.models[0].name} beside ${compared.models[1].name}`,
    lead: 'One person, two models: what each would recommend, and why. Everything else of this page shows the first.',
    body: [
      models(compared, summary),
      section('For whom?', 'person', lists.person),
      section('What they recommend', 'lists', ...lists.nodes),
      section('How alike their lists are', 'overlap', overlap.node),
      section('What one likes better', 'biases', differences.node),
      section('Which is more accurate?', 'accuracy', scores.node),
    ],
    mounted: () => {
      lists.update(route);
      overlap.load();
      differences.load();
    },
    update: lists.update,
    close: () => {
      lists.close();
      scores.close();
    },
  };
}

function single({ users }) {
  const pairs = [el('a', { href: href(['compare', 'items']) }, 'two titles'), users && [' or ', el('a', { href: href(['compare', 'people']) }, 'two people')]];
  return {
    title: 'Compare',
    lead: 'There is one model here. Start palate explore with the folders of two to see them side by side.',
    body: [el('p', {}, 'With one model you can compare ', pairs, '.')],
  };
}

/** What the models were fitted to, and what only one of them has. */
function models({ models: both, common_items: common }, { kind }) {
  const row = kind.slice(0, -1);
  const facts = ({ users, ratings, items, solver }) =>
    [plural(items, 'title'), users ? plural(users, 'person', 'people') : 'saved without people', plural(ratings, row), `fitted by ${solverName(solver)}`].join(', ');
  const only = ({ name, only_items: n, only: some }, other) => n > 0 && el('p', { class: 'soft' },
    `${other} does not have ${plural(n, 'title')} of ${name}, such as ${some.slice(0, 3).map(({ item }) => item).join('; ')}.`);
  return el('div', { class: 'card', 'data-section': 'models' },
    el('dl', { class: 'facts' }, ...both.map((one, i) => el('div', {}, el('dt', { class: `side-${i}` }, one.name), el('dd', {}, facts(one))))),
    both.map((one, i) => only(one, both[1 - i].name)),
    both.some(({ only_items: n }) => n) && el('p', { class: 'soft' }, `They have ${count(common)} titles in common.`));
}

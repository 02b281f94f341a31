import { ask } from '../api.js';
import { el, into, section } from '../dom.js';
import { number, plural } from '../format.js';
import { favourites, portrait, recommendations, surprises } from '../people.js';

export async function show({ id }, summary) {
  const told = await ask(`users/${encodeURIComponent(id)}`);
  const picture = portrait(summary);
  picture.set(told.portrait);
  const box = el('div', { 'aria-busy': 'true', class: 'tall' });
  const person = { user: told.user };
  const find = () => ask('recommendations', { body: { ...person, n: 10, reasons: true } });
  return {
    title: `User ${told.user}`,
    lead: `${plural(told.ratings, 'rating')}, ${number(told.mean)} on average. What is said to “you” below is said to this person.`,
    body: [
      section('Portrait', 'portrait', picture.node),
      el('div', { class: 'columns' },
        section('Favourites', 'favourites', favourites(told.favourites)),
        section('Surprises', 'surprises', el('p', { class: 'soft' }, 'Ratings that differ most from what the model expects of this person.'), surprises(told.portrait.surprises))),
      section('Recommendations', 'recommendations', box),
    ],
    mounted: () => into(box, find().then((found) => recommendations(found.recommendations, person, summary))),
  };
}

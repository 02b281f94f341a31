"""The sentences of portraits."""

from palate._words import YOU
from palate.analysis._portrait_words import Place, Taste, tastes_in_words


def taste(position, share, name):
    place = Place(position, position - 0.5, position + 0.5, 95, 80, 99)
    return Taste(place, share, ("new", name))


def test_what_matters_most_to_expected_ratings_comes_first():
    """A taste moves these by its position times the root of the share of its axis."""
    far_on_a_weak_axis = taste(2.0, 0.04, "weak")
    near_on_a_strong_axis = taste(1.2, 0.5, "strong")
    sentences = tastes_in_words([far_on_a_weak_axis, near_on_a_strong_axis], YOU, 20)
    assert sentences == [
        "You rate strong higher, and new lower, than 19 in 20 people do.",
        "You also rate weak higher, and new lower, than 19 in 20 people do.",
    ]

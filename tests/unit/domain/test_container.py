"""A container's indexes never lag behind, and a refused change changes nothing."""

import pytest
from persistent import Persistent

from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapmaster.domain.container import Container


class Book(Persistent):
    """A member to be indexed."""

    def __init__(self, reference, title, author, shelf=None):
        self.reference = reference
        self.title = title
        self.author = author
        self.shelf = shelf


class Library(Container[Book]):
    """Books by title, by author and title, and by shelf."""

    kind = "book"
    unique = {
        "title": lambda book: book.title,
        "work": lambda book: (book.author, book.title) if book.author else None,
    }
    many = {"shelf": lambda book: book.shelf}


@pytest.fixture
def library():
    books = Library()
    books.add(Book("B-1", "Emma", "Austen", "A"))
    books.add(Book("B-2", "Ulysses", "Joyce", "A"))
    books.add(Book("B-3", "Beowulf", None))
    return books


def test_members_are_found_by_reference(library):
    assert library["B-1"].title == "Emma"
    assert library.find("B-9") is None
    assert "B-1" in library
    assert "B-9" not in library
    assert len(library) == 3
    assert [book.reference for book in library] == ["B-1", "B-2", "B-3"]


def test_what_is_not_there_is_named(library):
    with pytest.raises(NotFound, match="no book 'B-9'"):
        library["B-9"]


def test_members_are_found_by_their_keys(library):
    assert library.find_by("title", "Emma") is library["B-1"]
    assert library.find_by("title", "Dubliners") is None
    assert [book.reference for book in library.all_by("shelf", "A")] == ["B-1", "B-2"]
    assert list(library.all_by("shelf", "Z")) == []


def test_a_range_is_of_one_prefix(library):
    library.add(Book("B-4", "Finnegans Wake", "Joyce"))
    library.add(Book("B-5", "Poems", "Joyces"))
    found = [book.title for book in library.range_by("work", "Joyce")]
    assert found == ["Finnegans Wake", "Ulysses"]


def test_a_key_of_none_is_not_indexed(library):
    assert len(library.indexes["work"]) == 2
    library.remove(library["B-3"])
    assert len(library) == 2


def test_a_taken_key_is_refused_and_named(library):
    with pytest.raises(Conflict, match="title 'Emma' is taken by another book"):
        library.add(Book("B-4", "Emma", "Kaufman"))


def test_a_taken_reference_is_refused(library):
    with pytest.raises(Conflict, match="there is a book B-1 already"):
        library.add(Book("B-1", "Persuasion", "Austen"))
    assert library["B-1"].title == "Emma"


def test_a_change_moves_the_member_in_every_index(library):
    library.change(library["B-1"], title="Persuasion", shelf="B")
    assert library.find_by("title", "Emma") is None
    assert library.find_by("work", ("Austen", "Persuasion")) is library["B-1"]
    assert [book.reference for book in library.all_by("shelf", "A")] == ["B-2"]
    assert [book.reference for book in library.all_by("shelf", "B")] == ["B-1"]


def test_a_refused_change_leaves_all_as_it_was(library):
    with pytest.raises(Conflict):
        library.change(library["B-1"], title="Ulysses", shelf="B")
    assert (library["B-1"].title, library["B-1"].shelf) == ("Emma", "A")
    assert library.find_by("title", "Emma") is library["B-1"]
    assert library.find_by("title", "Ulysses") is library["B-2"]
    assert [book.reference for book in library.all_by("shelf", "A")] == ["B-1", "B-2"]


def test_what_is_removed_is_in_no_index(library):
    library.remove(library["B-1"])
    assert library.find_by("title", "Emma") is None
    assert [book.reference for book in library.all_by("shelf", "A")] == ["B-2"]

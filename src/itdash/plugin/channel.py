"""What all parts of the recorder share: who this process is, and where it writes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from itdash.events import model
from itdash.events.segment import Segment
from itdash.plugin import stages
from itdash.probe import attention

if TYPE_CHECKING:
    import pytest

    from itdash.orders import Assignment


class Channel:
    """One process's way into the journal; `controls` tells that its workers run the tests."""

    def __init__(self, config: pytest.Config, assignment: Assignment) -> None:
        self.config, self.assignment, self.worker = config, assignment, assignment.worker
        folder, name = assignment.folder, assignment.segment
        self.segment = Segment(f"{folder}/segments/{name}.jsonl", assignment.origin, f"{folder}/overflow")
        self.keep = stages.LongTexts(folder, name)
        self.emit, self.now = self.segment.append, self.segment.now
        self.controls = False

    def attend(self) -> None:
        """Let the probes of this process and its children record too."""

        def note(kind: str, text: str) -> None:
            event = model.MarkAdded if kind == "MarkAdded" else model.NoteAdded
            self.emit(event(self.now(), text))

        given = self.assignment
        place = attention.Place(given.folder, given.origin, given.segment, self.worker, note)
        attention.record_at(place)
        os.environ[attention.VARIABLE] = str(place)

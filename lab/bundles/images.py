"""The images that a run was made with: their tags as recorded, their digests where Docker tells."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from lab.engine.client import connect
from lab.engine.components import IMAGE
from lab.errors import LabError
from lab.measure.record import CallRecord
from lab.store.database import Run

log = logging.getLogger(__name__)

_PATIENCE_S = 10


def recorded_images(run: Run, calls: Sequence[CallRecord]) -> dict[str, str]:
    """Tag → what the image is called, of all that the run or a call of it recorded."""
    versions = [run.versions, *(call.versions for call in calls)]
    return {
        tag: name.removeprefix(IMAGE)
        for told in versions
        for name, tag in sorted(told.items())
        if name.startswith(IMAGE)
    }


def image_digests(tags: Iterable[str]) -> Mapping[str, dict[str, Any]]:
    """Tag → `id` and `repo_digests` as Docker has them here and now; none where it tells nothing.

    A tag of the lab's own is a digest of all that the image is built from; of a user's image the
    id alone tells which it was.
    """
    try:
        client = connect(_PATIENCE_S)
    except LabError as error:
        log.info("%s", error.message)
        return {}
    found: dict[str, dict[str, Any]] = {}
    for tag in tags:
        try:
            image = client.images.get(tag)
        except ImageNotFound:
            continue
        except (DockerException, RequestException) as error:
            log.info("the digest of %s is not known: %s", tag, error)
            continue
        found[tag] = {"id": image.id, "repo_digests": sorted(image.attrs.get("RepoDigests") or ())}
    return found

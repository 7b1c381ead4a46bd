"""Certificates for trying, made once: a root, a key and its certificate."""

from pathlib import Path

import pytest

from impasto.painting.credentials.identity import SigningIdentity, read_anchors
from impasto.painting.credentials.trial import TrialCertificates, make_trial_certificates


@pytest.fixture(scope="package")
def trial(tmp_path_factory: pytest.TempPathFactory) -> TrialCertificates:
    return make_trial_certificates(tmp_path_factory.mktemp("certificates"), "Ada")


@pytest.fixture(scope="package")
def identity(trial: TrialCertificates) -> SigningIdentity:
    return SigningIdentity.load(trial.key, trial.certificate)


@pytest.fixture(scope="package")
def anchors(trial: TrialCertificates) -> str:
    return read_anchors(Path(trial.root))

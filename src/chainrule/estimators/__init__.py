"""scikit-learn's door: the networks as estimators, for `Pipeline`, `cross_val_score` and `GridSearchCV`.

Parameters have the names of the recipes' settings, `random_state` and scikit-learn's meaning of it excepted. An
estimator trains in memory on all it is given: nothing is written, nothing held out, and equal `random_state` gives
equal weights. The program's own generators of random numbers stay as they were.
"""

from chainrule.estimators.pictures import ImageClassifier
from chainrule.estimators.sequences import SequenceClassifier
from chainrule.estimators.tables import MLPClassifier, MLPRegressor
from chainrule.estimators.texts import TextClassifier

__all__ = ["ImageClassifier", "MLPClassifier", "MLPRegressor", "SequenceClassifier", "TextClassifier"]

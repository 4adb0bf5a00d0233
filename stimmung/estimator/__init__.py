"""The library as a scikit-learn estimator."""

"""Predictions over HTTP, for Doccano's auto-labelling and for anybody on this machine: predictor, app and server."""

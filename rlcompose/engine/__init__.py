"""The state of many pieces at once and the compiled step that advances them; no Gymnasium inside."""

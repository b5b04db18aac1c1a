"""The user's own chart: read from text, iReal Pro or MusicXML."""

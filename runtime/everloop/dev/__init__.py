"""Lambda on a laptop: `everloop dev`, `everloop invoke`, `everloop event`. Never imported on Lambda."""

"""Where objects come from: folders of manifests (`files`) and clusters (`cluster`), both as streams of changes."""

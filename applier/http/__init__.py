"""The HTTP face of `Applier`, in the shapes of Morph, Relace, Kortix FastApply and Osmosis."""

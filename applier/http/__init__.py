"""The HTTP face of `Applier`, in the shapes that clients of Morph, Relace, Kortix FastApply and Osmosis speak."""

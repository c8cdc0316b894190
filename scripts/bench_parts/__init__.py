"""Speed, measured: what stands around the workers, the workers, the measures, the axes, the goals."""

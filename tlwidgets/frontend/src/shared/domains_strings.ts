// Every word of the two domains.
export const DOMAINS = {
  title: "Two domains",
  lead: "Each mark is an image as the frozen network describes it. Move the target away, then let it be adapted.",
  source: "source",
  target: "target",
  sliders: { brightness: "Brightness of the target", contrast: "Contrast of the target", noise: "Noise in the target" },
  adaptation: "Adaptation",
  adaptations: { none: "None", standardise: "Standardise each domain", coral: "CORAL: align covariances" },
  chart: (sentence: string) => `Source and target features along two principal components. ${sentence}`,
  accuracy: { source: "Right on other source images", target: "Right on the target" },
  axes: "along the first two principal components of both",
  sample: (name: string) => `${name}, an image of the target`,
  back: "Back to no shift",
};

// Every word of the course map, in the widget and in JupyterLab's side bar.
export const COURSE = {
  title: "Transfer learning",
  lessons: "Lessons",
  next: "Next",
  allDone: "Every lesson is done.",
  open: (title: string) => `Open ${title}`,
  reset: "Reset …",
  resetLabel: (title: string) => `Reset ${title}: a fresh copy, the old one is kept`,
  minutes: (minutes: number) => `${minutes} min`,
  after: "after",
  afterLabel: (number: string, word: string) => `Builds on lesson ${number} (${word}): show it`,
  words: { new: "not started", started: "started", done: "done" },
  score: (passed: number, exercises: number, answered: number, quizzes: number) =>
    `${passed} of ${exercises} exercises · quiz ${answered} of ${quizzes}`,
  overall: (passed: number, all: number) => `${passed} of ${all} exercises and quiz questions`,
  overallLabel: "Progress of the course",
  exercisePassed: "passed",
  exerciseOpen: "open",
  problems: {
    "": "",
    damaged: "The progress file is damaged. It is kept under another name as soon as there is progress to write.",
    newer: "A newer tlwidgets wrote the progress file. It is kept under another name as soon as there is progress to write.",
  },
};

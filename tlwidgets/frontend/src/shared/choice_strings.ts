// Every word of the predictions and quizzes in lessons.
export const CHOICE = {
  titles: { predict: "Your prediction", quiz: "Quiz" },
  give: { predict: "Write it down", quiz: "Check" },
  change: { predict: "Write it down again", quiz: "Check" },
  chooseFirst: "Choose one of the answers first.",
  sure: "How sure are you?",
  sureWords: (share: number) => `${share} %, ${share <= 35 ? "a guess" : share < 80 ? "fairly sure" : "certain"}`,
  silence: "The kernel is busy or was restarted. If nothing happens, run the cell above again, or write the letter in the code.",
};

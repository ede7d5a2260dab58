// Stands for what only Node has, where a bundle for the browser names it and never uses it.

export default {};

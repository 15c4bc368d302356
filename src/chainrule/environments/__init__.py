"""Environments that follow Gymnasium: `chainrule/LineWalk-v0` and `chainrule/Maze-v0`.

Importing this package registers both with Gymnasium, each with a vector form in tensors; torch is loaded where a
vector form is made, not before.

    import gymnasium
    import chainrule.environments

    maze = gymnasium.make("chainrule/Maze-v0", rows=7, columns=7)
    mazes = gymnasium.make_vec("chainrule/Maze-v0", num_envs=4096, rows=7, columns=7)
"""

import gymnasium

LINE_WALK, MAZE = "chainrule/LineWalk-v0", "chainrule/Maze-v0"
PLACES = {
    LINE_WALK: ("line_walk:LineWalk", "vector_line_walk:VectorLineWalk"),
    MAZE: ("maze:Maze", "vector_maze:VectorMaze"),
}


def register() -> None:
    """Makes the environments known to Gymnasium by their names; those it knows already stay."""
    for name, (single, vector) in PLACES.items():
        if name not in gymnasium.registry:
            gymnasium.register(id=name, entry_point=f"{__name__}.{single}", vector_entry_point=f"{__name__}.{vector}")


register()

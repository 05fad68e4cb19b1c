"""The layer that reads a map between its points, as it stands in what is written: Keras has none."""

GRID_SAMPLE = '''
@keras.saving.register_keras_serializable(package="{package}")
class GridSample(layers.Layer):
    """What stands in maps at given places: (x, y), from -1 at the left and the top to 1."""

    def __init__(self, mode="bilinear", outside="zeros", align_corners=False, **kwargs):
        super().__init__(**kwargs)
        self.mode = mode
        self.outside = outside
        self.align_corners = align_corners

    def call(self, maps, grid):
        _, height, width, _ = maps.shape
        x, y = self._place(grid[..., 0], width), self._place(grid[..., 1], height)
        if self.mode == "nearest":
            return self._at(maps, ops.round(y), ops.round(x))
        left, top = ops.floor(x), ops.floor(y)
        right, bottom = x - left, y - top
        weights = ((1 - bottom) * (1 - right), (1 - bottom) * right, bottom * (1 - right), bottom * right)
        corners = ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1))
        parts = [weight[..., None] * self._at(maps, *corner) for weight, corner in zip(weights, corners)]
        return parts[0] + parts[1] + parts[2] + parts[3]

    def _place(self, place, length):
        """From -1 … 1 to 0 … length - 1."""
        place = (place + 1) / 2 * (length - 1) if self.align_corners else ((place + 1) * length - 1) / 2
        if self.outside == "reflection":
            first, reach = (0, length - 1) if self.align_corners else (-0.5, length)
            far = ops.abs(place - first)
            times, rest = ops.floor(far / max(reach, 1)), ops.mod(far, max(reach, 1))
            place = ops.where(ops.mod(times, 2) == 0, rest, reach - rest) + first
        return place if self.outside == "zeros" else ops.clip(place, 0, length - 1)

    def _at(self, maps, rows, columns):
        """The map at whole places, zero outside."""
        _, height, width, channels = maps.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        rows, columns = ops.clip(rows, 0, height - 1), ops.clip(columns, 0, width - 1)
        places = ops.cast(rows, "int32") * width + ops.cast(columns, "int32")
        high, wide = places.shape[1:]
        flat = ops.reshape(maps, (-1, height * width, channels))
        found = ops.take_along_axis(flat, ops.reshape(places, (-1, high * wide, 1)), axis=1)
        found = ops.reshape(found, (-1, high, wide, channels))
        return ops.where(inside[..., None], found, 0)

    def get_config(self):
        settings = {{"mode": self.mode, "outside": self.outside, "align_corners": self.align_corners}}
        return {{**super().get_config(), **settings}}

'''

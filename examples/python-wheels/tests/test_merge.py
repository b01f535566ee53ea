import platform
import unittest

import confluence


class Merge(unittest.TestCase):
    def test_two_streams_become_one(self):
        self.assertEqual(confluence.merge([1, 4, 9], (2, 4, 8, 16)), [1, 2, 4, 4, 8, 9, 16])

    def test_an_empty_stream_changes_nothing(self):
        self.assertEqual(confluence.merge([], [3, 5]), [3, 5])
        self.assertEqual(confluence.merge([3, 5], []), [3, 5])

    def test_what_is_not_a_sequence_is_refused(self):
        with self.assertRaises(TypeError):
            confluence.merge(1, [2])

    def test_what_does_not_compare_is_refused(self):
        with self.assertRaises(TypeError):
            confluence.merge(["a"], [1])

    def test_built_for_the_machine_it_runs_on(self):
        self.assertEqual(confluence.built_for(), platform.machine())

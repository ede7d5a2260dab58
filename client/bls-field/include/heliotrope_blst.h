/* What heliotrope-bls-field has a faster form of. Weak, so that blst's own portable C is taken where that crate is not
 * linked. The names are blst's (src/vect.h). */
#pragma weak add_mod_384
#pragma weak lshift_mod_384
#pragma weak mul_by_3_mod_384
#pragma weak mul_mont_384
#pragma weak mul_mont_384x
#pragma weak sqr_mont_384
#pragma weak sqr_mont_384x
#pragma weak sqr_n_mul_mont_383
#pragma weak sub_mod_384
